"""What people do all day with sandboxes that live: let them run or not, and ask what they are."""
