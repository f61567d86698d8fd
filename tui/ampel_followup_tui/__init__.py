"""The observer's terminal app: tonight's targets, one key per verdict."""
