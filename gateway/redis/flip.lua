-- KEYS[1] the pointer to the current generation; ARGV[1] from  [2] to
-- Returns 1, or -1 if from is not the current generation.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return -1
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
