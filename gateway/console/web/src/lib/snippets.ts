// The same question as a program of the department would ask it. The API key
// always comes from the environment, never from the page; the record's key goes in
// the body, because addresses stand in logs.

export interface Question {
  base: string;
  view: string;
  key: string;
  purpose: string;
  /** fields to verify; null = look up */
  fields: Record<string, string> | null;
}

export const languages = ["curl", "Go", "Python", "Java"] as const;
export type Language = (typeof languages)[number];

const shell = (s: string) => `'${s.replace(/'/g, `'\\''`)}'`;
// A JSON string is a valid string literal in Go, Python and Java alike.
const quote = (s: string) => JSON.stringify(s).replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

export function snippet(lang: Language, q: Question): string {
  const url = q.fields ? q.base + "v1/verify" : `${q.base}v1/lookup/${encodeURIComponent(q.view)}`;
  const body = JSON.stringify(q.fields ? { view: q.view, key: q.key, fields: q.fields } : { key: q.key });
  switch (lang) {
    case "curl":
      return [
        `curl -sS ${shell(url)}`,
        `  -H "Authorization: Bearer $YIYUAN_KEY"`,
        `  -H ${shell("X-Purpose: " + q.purpose)}`,
        `  -H 'Content-Type: application/json'`,
        `  -d ${shell(body)}`,
      ].join(" \\\n");
    case "Go":
      return `package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	req, err := http.NewRequest("POST", ${quote(url)}, strings.NewReader(${quote(body)}))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("YIYUAN_KEY"))
	req.Header.Set("X-Purpose", ${quote(q.purpose)})
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Status, string(answer))
}
`;
    case "Python":
      return `import json
import os
import urllib.error
import urllib.request

request = urllib.request.Request(
    ${quote(url)},
    data=json.dumps(${pythonDict(JSON.parse(body) as Record<string, unknown>)}).encode(),
    method="POST",
    headers={
        "Authorization": "Bearer " + os.environ["YIYUAN_KEY"],
        "X-Purpose": ${quote(q.purpose)},
        "Content-Type": "application/json",
    },
)
try:
    with urllib.request.urlopen(request, timeout=10) as answer:
        print(json.load(answer))
except urllib.error.HTTPError as refusal:
    print(refusal.code, refusal.read().decode())
`;
    case "Java":
      return `import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Ask {
    public static void main(String[] args) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(${quote(url)}))
            .header("Authorization", "Bearer " + System.getenv("YIYUAN_KEY"))
            .header("X-Purpose", ${quote(q.purpose)})
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(${quote(body)}))
            .build();
        HttpResponse<String> answer = HttpClient.newHttpClient()
            .send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}
`;
  }
}

function pythonDict(v: Record<string, unknown>): string {
  return `{${Object.entries(v)
    .map(([k, x]) => `${quote(k)}: ${x !== null && typeof x === "object" ? pythonDict(x as Record<string, unknown>) : quote(String(x))}`)
    .join(", ")}}`;
}
