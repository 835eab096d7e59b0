"""The screens. They paint a lane's state and turn keys, scans and touches into intents; they decide nothing."""
