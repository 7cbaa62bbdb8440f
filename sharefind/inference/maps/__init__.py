"""Maps of columns against data: where a map misfits, and which map near it does not."""
