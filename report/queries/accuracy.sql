-- One row is a number of days before a show: how far the forecast was off, beside the plain pace of seven days.
select
    days_before,
    shows,
    median_error,
    median_error_pace,
    is_better_than_pace
from v_forecast_accuracy
order by days_before desc
