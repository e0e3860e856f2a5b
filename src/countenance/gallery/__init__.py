"""Sources, subjects and enrolment."""
