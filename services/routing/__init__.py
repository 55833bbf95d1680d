"""Who is told, what they are given, and the chase until a person has acknowledged."""
