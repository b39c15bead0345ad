"""The page of pictures: sales, what is left, refunds; from the marts, for people who would look."""
