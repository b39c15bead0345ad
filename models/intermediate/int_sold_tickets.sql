-- Of int_tickets what was sold, so that no fact can forget to say so.
select * from {{ ref('int_tickets') }}
where is_sold
