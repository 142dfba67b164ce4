-- KEYS[1] marks of the view, KEYS[2] its ready key
-- ARGV: for each partition its number and what the writer has written (-1 none)
-- Returns 1, or -1 if the cache lacks something the writer has written.
for i = 1, #ARGV, 2 do
  if tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or '-1') < tonumber(ARGV[i + 1]) then
    return -1
  end
end
redis.call('SET', KEYS[2], '1')
return 1
