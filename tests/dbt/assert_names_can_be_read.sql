-- Guards the seeds that everything reads names from: of one that cannot be read the last names are kept, and this says why.
{{ blocks_nothing() }}
{%- do [ref('city_names'), ref('payment_methods'), ref('utm_channels')] %}

with

newest_builds as (

    {%- if target.cluster %}
    -- nothing is remembered there, nor kept
    select
        '' as seed,
        '' as problem
    {%- else %}
    select
        name as seed,
        argMax(problem, built_at) as problem
    from {{ target.schema }}.meta_builds
    group by seed
    {%- endif %}

)

select * from newest_builds
where problem != ''
