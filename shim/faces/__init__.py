"""Us answering others in a protocol of theirs: one module per face."""
