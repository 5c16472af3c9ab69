"""What is Wikipedia: by host (`hosts`) and, later, by content."""
