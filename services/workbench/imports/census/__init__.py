"""The children in need census of the Department for Education, layouts of 2022 to 2026: XML, one referral a concern."""
