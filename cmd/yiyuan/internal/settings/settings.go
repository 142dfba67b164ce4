// Package settings is yiyuan.yaml and the environment: what a process is told, how it is read, checked and refused.
package settings

import (
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/quota"
)

// Config is yiyuan.yaml: how this process runs, where its services are. The
// catalogue, the sources and the grants are files of their own, because viper
// lower-cases keys. deploy/yiyuan.yaml is the commented reference; the tag about
// says what stands there for several keys at once or is plain from the name.
type Config struct {
	Roles      []string   `mapstructure:"roles"`
	Catalogue  string     `mapstructure:"catalogue"`
	Sources    string     `mapstructure:"sources"`
	Access     string     `mapstructure:"access"`
	Keys       Keys       `mapstructure:"keys"`
	Bus        Bus        `mapstructure:"bus"`
	Registry   Registry   `mapstructure:"registry"`
	Push       Push       `mapstructure:"push"`
	Processors Processors `mapstructure:"processors"`
	Gateway    Gateway    `mapstructure:"gateway"`
	Admin      Admin      `mapstructure:"admin"`
	Listeners  Listeners  `mapstructure:"listeners"`
	Log        Log        `mapstructure:"log"`
}

// Keys is the key ring of tokens and digests.
type Keys struct {
	File  string `mapstructure:"file"`
	Suite string `mapstructure:"suite"`
}

// Bus is which Kafka, and how it is spoken to.
type Bus struct {
	Brokers            []string      `mapstructure:"brokers"`
	Prefix             string        `mapstructure:"prefix"`
	Partitions         int           `mapstructure:"partitions"`
	Replication        int           `mapstructure:"replication" about:"新建主题的副本数。 / Copies of each topic that is created."`
	TransactionTimeout time.Duration `mapstructure:"transaction_timeout"`
	SessionTimeout     time.Duration `mapstructure:"session_timeout" about:"进程失去联系超过此时间即失去其分区；须大于事务超时。0 为内置值。 / A process that is silent for this long loses its partitions; above the transaction timeout. 0 = the built-in value."`
	Embedded           Embedded      `mapstructure:"embedded"`
	TLS                BrokersTLS    `mapstructure:"tls"`
	SASL               SASL          `mapstructure:"sasl"`
}

// Embedded is the broker within the process, which runs where no other is named.
type Embedded struct {
	Listen string `mapstructure:"listen" about:"内置消息代理的监听地址，供 Kafka 客户端连接。 / Where the embedded broker answers Kafka clients."`
	Data   string `mapstructure:"data"`
}

// BrokersTLS is what brokers are believed by.
type BrokersTLS struct {
	Enabled bool   `mapstructure:"enabled" about:"用 TLS 连接消息代理。 / Speak TLS to the brokers."`
	CA      string `mapstructure:"ca" about:"签发消息代理证书的 CA 的 PEM 文件；留空则用系统的。 / PEM file of the authority that signed the brokers; empty = the system's."`
	Cert    string `mapstructure:"cert" about:"本方证书的 PEM 文件，消息代理要求时才需要。 / PEM file of our own certificate, if brokers ask for one."`
	Key     string `mapstructure:"key" about:"其私钥的 PEM 文件。 / PEM file of its key."`
	Server  string `mapstructure:"server_name" about:"消息代理的证书中应有的名称；留空则为所连的地址。 / Name to expect in the brokers' certificate; empty = the address."`
}

// SASL is who we are to the brokers.
type SASL struct {
	Mechanism string `mapstructure:"mechanism"`
	User      string `mapstructure:"user" about:"登录的用户名。 / User to log in as."`
	Password  string `mapstructure:"password" about:"其口令：env:NAME 或 file:/路径。 / Its password: env:NAME or file:/path."`
}

// Registry is our schema registry, or where another is.
type Registry struct {
	URL          string `mapstructure:"url"`
	Listen       string `mapstructure:"listen"`
	WriteKeyFile string `mapstructure:"write_key_file"`
	AllowDelete  bool   `mapstructure:"allow_delete"`
}

// Push is the listener that departments push rows to.
type Push struct {
	Listen string `mapstructure:"listen"`
	Keys   string `mapstructure:"keys"`
}

// Processors is how steps work.
type Processors struct {
	Dir            string        `mapstructure:"dir"`
	Workers        int           `mapstructure:"workers" about:"每个步骤的工作线程数，使一个提交时另一个仍可处理。 / Workers of each step, so that one works while another commits."`
	CommitInterval time.Duration `mapstructure:"commit_interval" about:"有负载时一个事务最长收集多久的变更；没有可做的即刻提交。 / How long a transaction goes on taking in changes under load; with nothing to do it is committed at once."`
	MaxRecords     int           `mapstructure:"max_records" about:"一个事务至多的变更数。 / Changes of one transaction at the most."`
	MaxBytes       int           `mapstructure:"max_bytes"`
	Standby        int           `mapstructure:"standby"`
	Instance       string        `mapstructure:"instance"`
}

// Gateway is what answers, and from which cache.
type Gateway struct {
	Listen      string   `mapstructure:"listen" about:"API 和控制台的监听地址。 / Address of the API and the console."`
	Redis       string   `mapstructure:"redis"`
	RedisTLS    RedisTLS `mapstructure:"redis_tls"`
	Sentinel    Sentinel `mapstructure:"sentinel"`
	OpenConsole bool     `mapstructure:"open_console"`
	Unconnected []string `mapstructure:"unconnected" about:"目录中本部署未接入的数据集。 / Datasets of the catalogue that are not connected in this deployment."`

	Verify Verify `mapstructure:"verify"`
}

// RedisTLS is what rediss:// trusts and shows.
type RedisTLS struct {
	CA   string `mapstructure:"ca" about:"用 rediss:// 时：签发 Redis 证书的 CA 的 PEM 文件；留空则用系统的。 / With rediss://: PEM file of the authority that signed Redis's certificate; empty = the system's."`
	Cert string `mapstructure:"cert" about:"本方证书的 PEM 文件，Redis 要求时才需要。 / PEM file of our own certificate, if Redis asks for one."`
	Key  string `mapstructure:"key" about:"其私钥的 PEM 文件。 / PEM file of its key."`
}

// Sentinel is who knows which Redis is the master.
type Sentinel struct {
	Addresses []string `mapstructure:"addresses"`
	User      string   `mapstructure:"user" about:"哨兵本身的用户名，哨兵要求时才需要。 / User of the sentinels themselves, if they ask for one."`
	Password  string   `mapstructure:"password" about:"其口令：env:NAME 或 file:/路径。 / Its password: env:NAME or file:/path."`
}

// Verify is how many verifications may be answered with no before more are
// refused, all gateways together.
type Verify struct {
	PerApplication Limits `mapstructure:"per_application"`
	PerSubject     Limits `mapstructure:"per_subject"`
}

// Limits are of one counter.
type Limits struct {
	Minute int `mapstructure:"minute" about:"任一分钟内答为“不一致”的核验数上限：按应用，或按应用对同一主体。 / Verifications answered with no in any minute: of an application, or of it about one subject."`
	Hour   int `mapstructure:"hour" about:"同上，任一小时内；不得小于每分钟的。 / The same in any hour; not below the minute's."`
	Day    int `mapstructure:"day" about:"同上，任一天内；不得小于每小时的。 / The same in any day; not below the hour's."`
}

// Quota is the limits as the gateway counts by them.
func (l Limits) Quota() quota.Limits { return quota.Limits(l) }

// Admin is the operators' listener.
type Admin struct {
	Listen    string `mapstructure:"listen"`
	TokenFile string `mapstructure:"token_file"`
}

// Listeners is what all listeners of the process have in common.
type Listeners struct {
	TrustedProxies        []string      `mapstructure:"trusted_proxies"`
	Hosts                 []string      `mapstructure:"hosts"`
	Connections           int           `mapstructure:"connections"`
	ConnectionsPerAddress int           `mapstructure:"connections_per_address" about:"其中一个地址（IPv6 为 /64）的上限；空闲的连接给新连接让位。可信的代理不受此限。 / Of them by one address (IPv6: /64); one that asks nothing makes room for a newer one. A trusted proxy has no such share."`
	Requests              int           `mapstructure:"requests"`
	RequestsPerKey        int           `mapstructure:"requests_per_key" about:"其中一个密钥的上限。 / Of them by one key."`
	RequestsPerDepartment int           `mapstructure:"requests_per_department" about:"其中一个部门的上限。 / Of them by one department."`
	StrangersPerAddress   int           `mapstructure:"strangers_per_address"`
	BodyRate              int           `mapstructure:"body_rate"`
	BodyGrace             time.Duration `mapstructure:"body_grace" about:"请求体开始计速率之前的宽限时间。 / How long a body may take before the rate counts."`
	Strangers             int           `mapstructure:"strangers" about:"不带密钥的请求同时处理的总数上限。 / Requests without a key, under way at a time, in all."`
	HeaderBytes           int           `mapstructure:"header_bytes"`
	HeaderTime            time.Duration `mapstructure:"header_time"`
	IdleTime              time.Duration `mapstructure:"idle_time" about:"连接可以空闲多久；至少 1s。 / How long a connection may ask nothing; 1s at least."`
	Plaintext             bool          `mapstructure:"plaintext"`
	TLS                   ListenerTLS   `mapstructure:"tls"`
	Gateway               ListenerOwn   `mapstructure:"gateway"`
	Push                  ListenerOwn   `mapstructure:"push"`
	Registry              ListenerOwn   `mapstructure:"registry"`
	Admin                 ListenerOwn   `mapstructure:"admin"`
}

// ListenerTLS is what a listener speaks TLS with.
type ListenerTLS struct {
	Cert     string `mapstructure:"cert" about:"证书的 PEM 文件，含到其 CA 为止的中间证书；留空则为明文。 / PEM file of the certificate, with those between it and its authority; empty = plain text."`
	Key      string `mapstructure:"key" about:"其私钥的 PEM 文件。 / PEM file of its private key."`
	ClientCA string `mapstructure:"client_ca" about:"CA 的 PEM 文件：其客户端可出示证书代替密钥（gateway；留空则用共有的），或必须出示证书，健康检查也须如此（push、admin；留空则不要求）。registry 不收客户端证书。 / PEM file of the authorities whose clients may show a certificate instead of a key (gateway; empty = as of all) or have to show one, health checks too (push, admin; empty = none). The registry takes none."`
}

// ListenerOwn is what one listener has of its own.
type ListenerOwn struct {
	Connections           int           `mapstructure:"connections" about:"与上面的同名项相同，只对该监听端口；0 为沿用上面的。 / As above, of this listener; 0 = as above."`
	ConnectionsPerAddress int           `mapstructure:"connections_per_address" about:"与上面的同名项相同，只对该监听端口；0 为沿用上面的。 / As above, of this listener; 0 = as above."`
	HeaderBytes           int           `mapstructure:"header_bytes" about:"与上面的同名项相同，只对该监听端口；0 为沿用上面的。 / As above, of this listener; 0 = as above."`
	HeaderTime            time.Duration `mapstructure:"header_time" about:"与上面的同名项相同，只对该监听端口；0 为沿用上面的。 / As above, of this listener; 0 = as above."`
	IdleTime              time.Duration `mapstructure:"idle_time" about:"与上面的同名项相同，只对该监听端口；0 为沿用上面的。 / As above, of this listener; 0 = as above."`
	WriteTime             time.Duration `mapstructure:"write_time" about:"从收完请求头到答完的时限；0 为 30s，admin 为 10m，push 为一次提交所许的时间。 / From the headers to the end of the answer; 0 = 30s, admin 10m, push as long as a commit may take."`
	BodyBytes             int           `mapstructure:"body_bytes" about:"请求体的字节数上限，至少 1024，至多 1 MiB；0 为 1 MiB。 / Of a request's body, 1024 at least, 1 MiB at most; 0 = 1 MiB."`
	TLS                   ListenerTLS   `mapstructure:"tls"`
}

// Log is what the process says and how.
type Log struct {
	Level  string `mapstructure:"level"`
	Format string `mapstructure:"format"`
}

// The roles a process can take.
const (
	RoleConnectors = "connectors"
	RoleProcessors = "processors"
	RoleGateway    = "gateway"
)

// Default is what holds where neither file nor environment says anything.
func Default() Config {
	return Config{
		Roles:      []string{RoleConnectors, RoleProcessors, RoleGateway},
		Keys:       Keys{Suite: "intl"},
		Bus:        Bus{Partitions: 4, Replication: 1, Embedded: Embedded{Listen: "127.0.0.1:9092"}},
		Registry:   Registry{Listen: "127.0.0.1:8081"},
		Push:       Push{Listen: "127.0.0.1:8090"},
		Processors: Processors{Workers: 2, CommitInterval: 100 * time.Millisecond, MaxRecords: 20000, MaxBytes: 16 << 20},
		Gateway: Gateway{
			Unconnected: []string{}, Sentinel: Sentinel{Addresses: []string{}}, Listen: "127.0.0.1:8080",
			Verify: Verify{PerApplication: Limits{20, 200, 1000}, PerSubject: Limits{5, 20, 50}},
		},
		Admin: Admin{Listen: "127.0.0.1:8099"},
		Listeners: Listeners{
			Connections: 8192, ConnectionsPerAddress: 200, Requests: 1024, RequestsPerKey: 256, RequestsPerDepartment: 512,
			StrangersPerAddress: 32, BodyRate: 8192, BodyGrace: 5 * time.Second, Strangers: 256,
			HeaderBytes: 16 << 10, HeaderTime: 5 * time.Second, IdleTime: time.Minute,
		},
		Log: Log{Level: "info", Format: "text"},
	}
}

// Has reports whether the process takes the role.
func (c *Config) Has(role string) bool { return slices.Contains(c.Roles, role) }
