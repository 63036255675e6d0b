// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kmod/text.h"
#include "escape.h"
#include "format.h"
#include "json_build.h"

void json_add(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

void json_add_u64(struct json_object *object, const char *key, uint64_t value)
{
	json_add(object, key, json_object_new_uint64(value));
}

void json_add_ns(struct json_object *object, const char *key, uint64_t ns)
{
	json_add(object, key, ns ? json_object_new_uint64(ns) : NULL);
}

void json_add_bool(struct json_object *object, const char *key, bool value)
{
	json_add(object, key, json_object_new_boolean(value));
}

void json_add_string(struct json_object *object, const char *key, const char *value)
{
	json_add(object, key, value ? json_object_new_string(value) : NULL);
}

static bool is_utf8(const unsigned char *bytes, size_t len)
{
	uint32_t point;

	while (len) {
		size_t n = utf8_decode(bytes, len, &point);

		if (!n)
			return false;
		bytes += n;
		len -= n;
	}
	return true;
}

/* Each byte that is not part of a character becomes one U+FFFD. */
static struct json_object *replaced(const unsigned char *bytes, size_t len)
{
	static const unsigned char replacement[] = { 0xef, 0xbf, 0xbd };
	struct json_object *string;
	char *text = malloc(sizeof(replacement) * len + 1);
	size_t at = 0;
	uint32_t point;

	if (!text)
		return NULL;
	while (len) {
		size_t n = utf8_decode(bytes, len, &point);

		if (n)
			memcpy(text + at, bytes, n);
		else
			memcpy(text + at, replacement, sizeof(replacement));
		at += n ? n : sizeof(replacement);
		bytes += n ? n : 1;
		len -= n ? n : 1;
	}
	string = json_object_new_string_len(text, (int)at);
	free(text);
	return string;
}

static struct json_object *base64(const unsigned char *bytes, size_t len)
{
	/* The last one fills up. */
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	struct json_object *string;
	char *text = malloc((len + 2) / 3 * 4 + 1);
	size_t at = 0;
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; i < len; i += 3) {
		uint32_t group = (uint32_t)bytes[i] << 16;

		group |= i + 1 < len ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= i + 2 < len ? bytes[i + 2] : 0;
		text[at++] = digits[group >> 18];
		text[at++] = digits[group >> 12 & 63];
		text[at++] = digits[i + 1 < len ? group >> 6 & 63 : 64];
		text[at++] = digits[i + 2 < len ? group & 63 : 64];
	}
	string = json_object_new_string_len(text, (int)at);
	free(text);
	return string;
}

void json_add_bytes(struct json_object *object, const char *key, const void *bytes, size_t len)
{
	char sibling[64];

	if (is_utf8(bytes, len)) {
		json_add(object, key, json_object_new_string_len(bytes, (int)len));
		return;
	}
	json_add(object, key, replaced(bytes, len));
	snprintf(sibling, sizeof(sibling), "%s_b64", key);
	json_add(object, sibling, base64(bytes, len));
}

static void put_escaped(uint32_t point)
{
	if (point < 0x10000) {
		printf("\\u%04x", point);
		return;
	}
	point -= 0x10000;
	printf("\\u%04x\\u%04x", 0xd800 + (point >> 10), 0xdc00 + (point & 0x3ff));
}

void json_print(struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	const unsigned char *s = (const unsigned char *)(text ? text : "null");
	size_t len = strlen((const char *)s);

	while (len) {
		uint32_t point;
		size_t n = utf8_decode(s, len, &point);

		/* U+FFFD is what json_add_bytes() puts; it shows well. */
		if (n && (utf8_is_harmless(point) || point == 0xfffd))
			fwrite(s, 1, n, stdout);
		else
			put_escaped(n ? point : 0xfffd);
		s += n ? n : 1;
		len -= n ? n : 1;
	}
	putchar('\n');
	json_object_put(object);
}

void json_add_endpoint(struct json_object *object, const char *addr_key, const char *port_key,
		       const struct sshobs_endpoint *end)
{
	char addr[FORMAT_MAX];

	json_add_string(object, addr_key, *format_address(addr, end) ? addr : NULL);
	json_add_u64(object, port_key, end->port);
}

void json_add_endpoints(struct json_object *object, const struct sshobs_endpoint *peer,
			const struct sshobs_endpoint *local)
{
	json_add_endpoint(object, "peer_addr", "peer_port", peer);
	json_add_endpoint(object, "local_addr", "local_port", local);
}

/* A name from a table, or the number where the table has none. */
void json_add_symbol(struct json_object *object, const char *key, const char *name,
		     unsigned int number)
{
	if (name)
		json_add_string(object, key, name);
	else
		json_add_u64(object, key, number);
}

struct json_object *json_bits(uint64_t set, const char *(*name_of)(unsigned int bit))
{
	struct json_object *array = json_object_new_array();
	unsigned int bit;
	char number[32];

	for (bit = 0; bit < 64; bit++) {
		if (!(set >> bit & 1))
			continue;
		snprintf(number, sizeof(number), "0x%llx", 1ULL << bit);
		json_object_array_add(array,
				      json_object_new_string(name_of(bit) ? name_of(bit) : number));
	}
	return array;
}

/* An array, and a sibling with base64 if one of its strings is not UTF-8. */
static void add_parts(struct json_object *object, const char *key, const unsigned char *bytes,
		      size_t len, unsigned char separator)
{
	struct json_object *array = json_object_new_array();
	struct json_object *raw = json_object_new_array();
	char sibling[64];
	bool odd = false;

	while (len) {
		const unsigned char *end = memchr(bytes, separator, len);
		size_t n = end ? (size_t)(end - bytes) : len;
		size_t skip = end ? n + 1 : n;
		struct json_object *one = json_object_new_object();
		struct json_object *b64;

		json_add_bytes(one, "a", bytes, n);
		b64 = json_object_object_get(one, "a_b64");
		odd = odd || b64;
		json_object_array_add(array, json_object_get(json_object_object_get(one, "a")));
		json_object_array_add(raw, json_object_get(b64));
		json_object_put(one);
		bytes += skip;
		len -= skip;
	}
	json_add(object, key, array);
	snprintf(sibling, sizeof(sibling), "%s_b64", key);
	if (odd)
		json_add(object, sibling, raw);
	else
		json_object_put(raw);
}

void json_add_argv(struct json_object *object, const unsigned char *argv, size_t len)
{
	add_parts(object, "argv", argv, len, '\0');
}

void json_add_strings(struct json_object *object, const char *key, const void *strings, size_t len)
{
	add_parts(object, key, strings, len, '\0');
}

void json_add_names(struct json_object *object, const char *key, const unsigned char *names,
		    size_t len)
{
	add_parts(object, key, names, len, ',');
}

void json_add_path(struct json_object *object, const unsigned char *path, uint32_t len,
		   uint32_t total)
{
	json_add_bytes(object, "path", path, len);
	if (len < total)
		json_add_u64(object, "path_total", total);
}

void json_add_tty(struct json_object *object, const char *tty)
{
	size_t len = strnlen(tty, SSHOBS_TTY_LEN);

	if (len)
		json_add_bytes(object, "tty", tty, len);
	else
		json_add(object, "tty", NULL);
}

/* "code" or "signal": the other one is absent. */
void json_add_outcome(struct json_object *object, uint32_t code, uint32_t signal)
{
	if (signal)
		json_add_symbol(object, "signal", sshobs_signal_name(signal), signal);
	else
		json_add_u64(object, "code", code);
}

void json_add_close(struct json_object *object, const struct sshobs_close *close)
{
	json_add_u64(object, "bytes_received", close->bytes_received);
	json_add_u64(object, "bytes_sent", close->bytes_sent);
	json_add_u64(object, "srtt_us", close->srtt_us);
	json_add_u64(object, "retransmits", close->retransmits);
	json_add_bool(object, "reset", close->flags & SSHOBS_CLOSE_RESET);
}

void json_add_origin(struct json_object *object, const struct origin *origin)
{
	json_add_bytes(object, "boot_id", origin->boot_id, strlen(origin->boot_id));
	json_add_bytes(object, "host", origin->host, strlen(origin->host));
}
