-- Each driver asks what is due for it, and does so after every change: what is due for others, or stands in DNS, is not looked through.
DROP INDEX published_due;
CREATE INDEX published_due ON published (driver, next_at, name) WHERE next_at <> 0;
