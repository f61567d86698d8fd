"""What the commands do, by what they are about; together they make the app."""
