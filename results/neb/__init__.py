"""What elastic bands with a potential leave behind: records and columns."""
