"""What belongs to no class that was trained on: scores, calibration, and what people's verdicts change."""
