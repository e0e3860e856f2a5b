"""The compact engine: 4-bit codes are scanned, then int8 rows, then full precision."""
