"""What the error rates are, measured on labelled photographs."""
