-- KEYS[1] marks of a space  [2] its ready key  [3] the key that is there while somebody uses it  [4] how many of its records are withheld
-- Returns 1 if its records may be removed from now on, 0 if somebody uses it.
-- A space that is being removed has the one mark "-1": it is not ready, and nobody may write to it. Who has
-- done so nevertheless, as an earlier build does, has to begin again: among his records are others' still.
local begun = redis.call('HEXISTS', KEYS[1], '-1') == 1
if begun and redis.call('HLEN', KEYS[1]) == 1 then
  return 1
end
if not begun and redis.call('EXISTS', KEYS[3]) == 1 then
  return 0
end
redis.call('DEL', KEYS[2], KEYS[1], KEYS[4])
redis.call('HSET', KEYS[1], '-1', '0')
return 1
