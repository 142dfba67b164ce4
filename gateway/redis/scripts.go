package redis

import (
	_ "embed"

	goredis "github.com/redis/go-redis/v9"
)

var (
	//go:embed apply.lua
	applySource string
	//go:embed seal.lua
	sealSource string
	//go:embed flip.lua
	flipSource string
	//go:embed retire.lua
	retireSource string
	//go:embed remove.lua
	removeSource string

	// Run sends EVALSHA, and EVAL when the server does not know the script, as
	// after a restart or a failover; EVAL makes it known again.
	applyScript = goredis.NewScript(applySource)
	sealScript  = goredis.NewScript(sealSource)
	flipScript  = goredis.NewScript(flipSource)

	retireScript = goredis.NewScript(retireSource)
	removeScript = goredis.NewScript(removeSource)
)
