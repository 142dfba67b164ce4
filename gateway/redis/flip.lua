-- KEYS[1] the pointer to the current generation, then for each view its marks in from and in to; ARGV[1] from  [2] to
-- Returns 1, -1 if from is not the current generation, -2 if to is behind it.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return -1
end
for i = 2, #KEYS, 2 do
  local old = redis.call('HGETALL', KEYS[i])
  for j = 1, #old, 2 do
    if string.find(old[j], '^%d+$') and tonumber(redis.call('HGET', KEYS[i + 1], old[j]) or '-1') < tonumber(old[j + 1]) then
      return -2
    end
  end
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
