"""`make demo`: the whole chain, with the sample organiser of the tests in place of QTickets."""
