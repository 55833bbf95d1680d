"""What follows a share, at the edge: recalls, erasures, breaches, disagreements, requests for information."""
