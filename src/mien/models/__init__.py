"""Model files made of others, and judged once more: joined, averaged, in 8 bits, on the test set."""
