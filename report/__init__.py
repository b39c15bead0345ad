"""The page of pictures: sales, plan, what is left; from the marts, for people who would look."""
