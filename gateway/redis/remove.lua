-- KEYS[1] marks of a space  [2..] records of it; without records the marks themselves go
-- Returns how many keys were removed, or -1 if the space is not being removed, or somebody writes to it.
if redis.call('HGET', KEYS[1], '-1') ~= '0' or redis.call('HLEN', KEYS[1]) ~= 1 then
  return -1
end
return redis.call('UNLINK', unpack(KEYS, math.min(2, #KEYS)))
