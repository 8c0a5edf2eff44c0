"""The campaign file: what comms staff write, read strictly and checked before anyone reviews it."""
