"""What a keyword does: runs a program, presses keys, calls a webhook, publishes to MQTT."""
