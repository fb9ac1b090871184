"""One folder a venue, none knows another: what an exchange says, turned into pages of rows."""
