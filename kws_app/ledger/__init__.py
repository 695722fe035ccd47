"""Keeps the audio of detections and near misses, to be labelled and trained on."""
