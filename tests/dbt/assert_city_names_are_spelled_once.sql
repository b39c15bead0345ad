-- Guards the names of cities, which are typed by people: an empty spelling would rename events that have no city, an empty name
-- is left out, and a spelling in two cities at once is in either, by chance.
{{ blocks_nothing() }}

with

spellings as (

    select
        lowerUTF8({{ tidy_name('spelling') }}) as city_spelling,
        groupUniqArray({{ tidy_name('city') }}) as cities,
        count() as how_often
    from {{ ref('city_names') }}
    group by city_spelling

)

select *
from spellings
where
    city_spelling = ''
    or has(cities, '')
    or how_often > 1
