-- The rule of pace_rule.py again, for an account that is lent to Redis. What stands there is not said again here; the names are the same.
--
-- KEYS[1]: the account's state with its loan. ARGV: what is asked; the time or "" for the store's own; the loan that replaces the one
-- there, or ""; the windows; for how long to keep it all; how many slots and how far ahead are asked for; then what the rule takes.
-- FURTHEST, RISE and BELIEVED are put before this text. Returns {now, what is kept, which server this is} where the loan does not cover what is
-- asked, else whole numbers in one text. Loan, windows and what is kept come and go as JSON; MessagePack is read and written faster.

local asked, now, loan = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local windows, keep_for, slots_wanted, ahead = cjson.decode(ARGV[4]), ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local text = redis.call('GET', KEYS[1])
local kept = text and cmsgpack.unpack(text) or {epoch = 0, began = 0, ends = 0}
if loan ~= '' then
  loan = cjson.decode(loan)
  if kept.epoch == loan.follows then
    loan.state = loan.state or kept.state
    kept = loan
  end
end
if now < kept.began or now + ahead >= kept.ends or (kept.left or slots_wanted) < slots_wanted then
  local server = redis.pcall('INFO', 'server')
  return {now, text and cjson.encode(kept) or '', type(server) == 'string' and server:match('run_id:(%w+)') or ''}
end
local state = kept.state

local function ends(window, key)
  if window.tick > 0 then return key * window.tick + window.length + window.margin end
  return (key + 1) * window.length - window.offset + window.margin
end

local function keys(window, slot)
  if window.tick > 0 then
    local tick = math.ceil(slot / window.tick)
    return tick, tick
  end
  local moment = slot + window.offset
  return math.floor((moment - window.margin) / window.length), math.floor((moment + window.margin) / window.length)
end

local function count(window, slot, slots)
  local used = state.used[window.name]
  if not used then
    used = {}
    state.used[window.name] = used
  end
  local first, last = keys(window, slot)
  for key = first, last do
    local place = #used
    while place > 0 and used[place - 1] > key do place = place - 2 end
    if place > 0 and used[place - 1] == key then
      used[place] = used[place] + slots
    else
      table.insert(used, place + 1, key)
      table.insert(used, place + 2, slots)
    end
  end
end

local function uncount(window, key)
  local used = state.used[window.name] or {}
  for place = #used, 1, -2 do
    if used[place - 1] == key or (window.tick > 0 and used[place - 1] < key) then
      used[place] = used[place] - 1
      if used[place] == 0 then
        table.remove(used, place)
        table.remove(used, place - 1)
      end
      return
    end
  end
end

local is_set_back = false

local function tidy(window)
  local used = state.used[window.name] or {}
  while used[1] and ends(window, used[1]) <= now do
    table.remove(used, 1)
    table.remove(used, 1)
  end
  local lost, _, furthest = 0, keys(window, now + FURTHEST)
  while used[1] and used[#used - 1] > furthest do
    lost = lost + table.remove(used)
    table.remove(used)
  end
  if lost > 0 then
    is_set_back = true
    count(window, now, lost)
  end
end

local function part(budget)
  local slow = state.slow and state.slow[budget]
  if not slow then return 1000 end
  return math.min(slow[2] + math.floor(math.max(now - slow[1], 0) / RISE), 1000)
end

local function calls_of(window)
  local calls, most = window.calls, state.most and state.most[window.name]
  if most and now < most[2] then calls = math.min(calls, most[1]) end
  return math.max(math.floor(calls * part(window.budget) / 1000), 1)
end

local function used_of(window)
  local sum, most, first, last = 0, 0, keys(window, now)
  local used = state.used[window.name] or {}
  for place = 2, #used, 2 do
    sum = sum + used[place]
    if used[place - 1] >= first and used[place - 1] <= last then most = math.max(most, used[place]) end
  end
  return window.tick > 0 and sum or most
end

local function from(window, slot)
  local used, calls = state.used[window.name] or {}, calls_of(window)
  if window.tick > 0 then
    local over = 1 - calls
    for place = 2, #used, 2 do over = over + used[place] end
    for place = 2, #used, 2 do
      if over <= 0 then break end
      over = over - used[place]
      slot = math.max(slot, ends(window, used[place - 1]))
    end
    return slot
  end
  local full = {}
  for place = 2, #used, 2 do full[used[place - 1]] = used[place] >= calls end
  while true do
    local first, last = keys(window, slot)
    local bar = (full[last] and last) or (full[first] and first)
    if not bar then return slot end
    slot = ends(window, bar)
  end
end

local function next_slot(slot)
  local which, is_moved = 0, true
  while is_moved do
    is_moved = false
    for number, window in ipairs(windows) do
      local later = from(window, slot)
      if later > slot then slot, which, is_moved = later, number, true end
    end
  end
  return slot, which
end

local rules = {}

function rules.take()
  local given = {0, -1}
  while #given - 2 < slots_wanted do
    local slot, which = next_slot(math.max(now, state.held or 0))
    if slot - now > ahead then
      given[1], given[2] = which, slot - now
      break
    end
    for _, window in ipairs(windows) do count(window, slot, 1) end
    given[#given + 1] = slot - now
  end
  if kept.left then kept.left = kept.left - (#given - 2) end
  return given
end

function rules.use_late()
  local late = tonumber(ARGV[8])
  for _, window in ipairs(windows) do
    local first, last = keys(window, now - late)
    for key = first, last do uncount(window, key) end
    count(window, now, 1)
  end
  return {}
end

function rules.heed()
  for number, window in ipairs(windows) do
    local left, reset, slot = tonumber(ARGV[6 + 2 * number]), tonumber(ARGV[7 + 2 * number]), now
    if window.tick > 0 and reset >= 0 then
      slot = math.min(now, now + reset - window.length - window.margin)
    end
    local free = calls_of(window) - used_of(window)
    if free > left then count(window, slot, free - left) end
  end
  return {}
end

function rules.hold()
  local wait, is_told, calls, length = tonumber(ARGV[8]), ARGV[9] == '1', tonumber(ARGV[10]), tonumber(ARGV[11])
  local is_news, budgets = (state.held or 0) <= now, {}
  state.held = math.max(state.held or 0, now + wait)
  for _, window in ipairs(windows) do
    budgets[window.budget] = true
    if calls > 0 and window.length == length then
      state.most = state.most or {}
      state.most[window.name] = {calls, now + BELIEVED}
    end
  end
  if is_news and not is_told then
    state.slow = state.slow or {}
    for budget in pairs(budgets) do
      state.slow[budget] = {now + wait, math.max(math.floor(part(budget) / 2), 1)}
    end
  end
  return {}
end

for _, window in ipairs(windows) do tidy(window) end
local found = rules[asked]()
local answer = table.concat(found, ' ')
if asked == 'take' and #found == 2 and loan == '' and not is_set_back then return answer end  -- nothing was given
for name, used in pairs(state.used) do
  if #used == 0 then state.used[name] = nil end  -- an empty list would be read as an object
end
redis.call('SET', KEYS[1], cmsgpack.pack(kept), 'PX', keep_for)
return answer
