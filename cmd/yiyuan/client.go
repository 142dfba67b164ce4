package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// client asks a gateway over its public API, as any program would.
type client struct {
	gateway string
	key     string
	purpose string
	timeout time.Duration
	trust   settings.Trust
	asks    func() (*http.Client, error) // nil = by trust
}

// flags adds what every client verb needs; the environment gives the defaults.
func (c *client) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.gateway, "gateway", fallback(os.Getenv("YIYUAN_CLIENT_GATEWAY"), "http://127.0.0.1:8080"), "网关地址 / the gateway's address (YIYUAN_CLIENT_GATEWAY)")
	f.StringVar(&c.key, "key", "", "应用密钥，最好放在环境变量 YIYUAN_CLIENT_KEY / the application's key, better in the environment")
	f.StringVar(&c.purpose, "purpose", os.Getenv("YIYUAN_CLIENT_PURPOSE"), "用途代码 / purpose code (YIYUAN_CLIENT_PURPOSE)")
	f.DurationVar(&c.timeout, "timeout", 10*time.Second, "最长等待 / how long to wait")
	f.StringVar(&c.trust.CA, "ca", os.Getenv("YIYUAN_CLIENT_CA"), "https:// 地址所信任的 CA 证书文件，空=系统的 / PEM file of the authority to trust with https://, empty = the system's (YIYUAN_CLIENT_CA)")
	f.StringVar(&c.trust.Cert, "cert", os.Getenv("YIYUAN_CLIENT_CERT"), "客户端证书文件，代替密钥 / PEM file of a client certificate, instead of a key (YIYUAN_CLIENT_CERT)")
	f.StringVar(&c.trust.Key, "cert-key", os.Getenv("YIYUAN_CLIENT_CERT_KEY"), "它的私钥文件 / PEM file of its private key (YIYUAN_CLIENT_CERT_KEY)")
}

func fallback(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// do sends one request and writes the answer's JSON, indented, to out.
func (c *client) do(ctx context.Context, out io.Writer, method, path string, body any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		reader = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.gateway, "/")+path, reader)
	if err != nil {
		return exit.With(exit.Usage, fmt.Errorf("网关地址有误 / gateway address %q: %w", c.gateway, terminal.WithoutURL(err)))
	}
	if method != http.MethodGet {
		req.Header.Set(process.OperatorHeader, account())
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key := fallback(c.key, os.Getenv("YIYUAN_CLIENT_KEY")); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if c.purpose != "" {
		req.Header.Set("X-Purpose", c.purpose)
	}
	open := c.trust.Client
	if c.asks != nil {
		open = c.asks
	}
	asks, err := open()
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	defer asks.CloseIdleConnections()
	res, err := asks.Do(req)
	if unknown := (*tls.CertificateVerificationError)(nil); errors.As(err, &unknown) {
		return exit.With(exit.Unavailable, fmt.Errorf("%[1]s 有应答，但它的证书不可信：用 --ca 给出签发它的 CA，并核对地址与证书 / %[1]s answers, and its certificate is not believed: give the authority that made it by --ca, and compare address and certificate: %[2]w", c.at(), terminal.WithoutURL(err)))
	}
	if err != nil {
		return exit.With(exit.Unavailable, fmt.Errorf("%[1]s 没有回答：先确认它在运行，地址用 --gateway 指定 / %[1]s does not answer: is it running? Its address is given by --gateway: %[2]w", c.at(), terminal.WithoutURL(err)))
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	b, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return exit.With(exit.Unavailable, fmt.Errorf("read answer: %w", err))
	}
	if res.StatusCode >= http.StatusBadRequest {
		return c.from(refusal(res.StatusCode, b))
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, b, "", "  "); err != nil {
		return fmt.Errorf("%[1]s 的回答不是 JSON：地址对吗？用 --gateway 指定 / the answer of %[1]s is not JSON: is the address right? It is given by --gateway: %[2]w", c.at(), err)
	}
	indented.Truncate(len(bytes.TrimRight(indented.Bytes(), "\n")))
	indented.WriteByte('\n')
	_, err = indented.WriteTo(out)
	return err
}

// at is who was asked: scheme, host and port alone, without what a person may have put in.
func (c *client) at() string {
	u, err := url.Parse(c.gateway)
	if err != nil {
		return "--gateway"
	}
	return u.Scheme + "://" + u.Host
}

// from says of a refusal who it comes from where it need not be a gateway of ours.
func (c *client) from(err error) error {
	var coded *exit.Error
	if errors.As(err, &coded) && (strings.Contains(coded.Err.Error(), problem.Request.Code) || !strings.Contains(coded.Err.Error(), "YIYUAN-")) {
		return exit.With(coded.Code, fmt.Errorf("%[2]w；由 %[1]s 回答，地址用 --gateway 指定 / answered by %[1]s, the address is given by --gateway", c.at(), coded.Err))
	}
	return err
}

// refusal turns an error answer into an error with the exit code that fits.
func refusal(status int, body []byte) error {
	var p problem.Problem
	text := http.StatusText(status)
	if json.Unmarshal(body, &p) == nil && p.Detail != "" {
		text = fmt.Sprintf("%s %s：%s", p.Code, p.Title, p.Detail)
		if p.DetailEN != "" { // a gateway of an older release says both in one
			text += " / " + p.DetailEN
		}
		lines := make([]string, len(p.Errors))
		for i, e := range p.Errors {
			lines[i] = fmt.Sprintf("\n  %s: %s / %s", e.Location, e.Message, e.MessageEN)
		}
		text += strings.Join(lines, "") + unsure(body)
		text += " (" + p.RequestID + ")"
	}
	code := exit.Problems
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		code = exit.Denied
	case http.StatusNotFound:
		if strings.HasPrefix(p.Code, "YIYUAN-404") { // else the path is wrong, not the key
			code = exit.NotFound
		}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusGatewayTimeout:
		code = exit.Unavailable
	}
	return exit.With(code, fmt.Errorf("%d %s", status, text))
}

// unsure is what an answer that there is nothing says of how sure that is.
func unsure(body []byte) string {
	var said struct {
		AsOf    string `json:"as_of"`
		Stale   bool   `json:"stale"`
		Refused []struct {
			Dataset, Since, Message string
		} `json:"refused"`
	}
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	var text strings.Builder
	if said.Stale {
		text.WriteString("\n  数据已超过更新周期（stale），截至 / it is older than its cycle allows, as of: " + fallback(said.AsOf, "?"))
	}
	for _, r := range said.Refused {
		fmt.Fprintf(&text, "\n  refused %s %s: %s", r.Dataset, r.Since, r.Message)
	}
	return text.String()
}

// account is who gives an order, as source ls shows it to operators: account and machine.
func account() string {
	name, host := "yiyuan", ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = "@" + h
	}
	return name + host
}
