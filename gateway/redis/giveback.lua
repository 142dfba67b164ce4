-- KEYS the quotas; ARGV for each: id of the taking, how much of it is not used
for i, key in ipairs(KEYS) do
  local at, held = string.match(redis.call('HGET', key, ARGV[2 * i - 1]) or '', '^(%d+):(%d+)$')
  if held then
    held = tonumber(held) - tonumber(ARGV[2 * i])
    if held > 0 then
      redis.call('HSET', key, ARGV[2 * i - 1], string.format('%s:%d', at, held))
    else
      redis.call('HDEL', key, ARGV[2 * i - 1])
    end
  end
end
return #KEYS
