// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "json_build.h"
#include "term.h"
#include "view_negotiation.h"

static const char *const side_names[] = {
	[SSHOBS_WIRE_IN] = "client",
	[SSHOBS_WIRE_OUT] = "server",
};

/* Names of the lists: as "ssh -vv" prints them, and in JSON. */
static const struct {
	const char *label;
	const char *key;
} lists[] = {
	[LIST_KEX] = { "KEX algorithms", "kex" },
	[LIST_HOST_KEY] = { "host key algorithms", "host_key" },
	[LIST_CIPHER_C2S] = { "ciphers ctos", "cipher_c2s" },
	[LIST_CIPHER_S2C] = { "ciphers stoc", "cipher_s2c" },
	[LIST_MAC_C2S] = { "MACs ctos", "mac_c2s" },
	[LIST_MAC_S2C] = { "MACs stoc", "mac_s2c" },
	[LIST_COMPRESSION_C2S] = { "compression ctos", "compression_c2s" },
	[LIST_COMPRESSION_S2C] = { "compression stoc", "compression_s2c" },
	[LIST_LANGUAGE_C2S] = { "languages ctos", "language_c2s" },
	[LIST_LANGUAGE_S2C] = { "languages stoc", "language_s2c" },
};

/* A line that is put together, and then printed behind its key. */
struct text {
	char *bytes;
	size_t size;
	FILE *out;
};

static int text_begin(struct text *text)
{
	text->out = open_memstream(&text->bytes, &text->size);
	return text->out ? 0 : -ENOMEM;
}

static int text_print(struct text *text, size_t indent, enum tint tint)
{
	int err = fclose(text->out) ? -ENOMEM : 0;

	if (!err)
		term_wrap(text->bytes, indent, tint);
	free(text->bytes);
	return err;
}

static void put_excerpt(FILE *out, const struct excerpt *excerpt)
{
	escape_put(out, excerpt->bytes, excerpt->len);
	if (excerpt->len < excerpt->total)
		fprintf(out, "... (%u bytes)", excerpt->total);
}

/* Whether what it began with may still become a version. */
static bool is_unfinished(const struct side *side)
{
	size_t len = side->opening.len < 4 ? side->opening.len : 4;

	return !side->opening_whole && memcmp(side->opening.bytes, "SSH-", len) == 0;
}

/* A server may say something before its version, and why it sends none; a client not. */
static enum tint put_version(FILE *out, const struct side *side, enum sshobs_direction direction)
{
	if (side->version.len) {
		put_excerpt(out, &side->version);
		return TINT_NONE;
	}
	if (side->opening.total) {
		if (is_unfinished(side))
			fputs("unfinished version: ", out);
		else if (side->faults & SIDE_FOREIGN || direction == SSHOBS_WIRE_IN)
			fputs("does not speak SSH: ", out);
		else
			fputs("sent no version, but: ", out);
		put_excerpt(out, &side->opening);
	} else if (side->faults & (SIDE_MISSING | SIDE_CUT)) {
		fputs("version unknown", out);
	} else {
		fputs("sent no version", out);
	}
	return TINT_WARN;
}

/* What is wrong with what a side sent; each on a line of its own. */
static int print_faults(const struct side *side)
{
	static const char *const words[] = {
		"part of what it sent is missing",
		"more clear text came, and was left out",
		"then sent what is not SSH: ",
		"sent a message that RFC 4253 does not allow",
		"sent a message that is too long to be read",
	};
	struct text text;
	unsigned int bit;
	int err = 0;

	for (bit = 0; bit < sizeof(words) / sizeof(words[0]) && !err; bit++) {
		uint32_t fault = side->faults & 1U << bit;

		if (!fault || (fault == SIDE_FOREIGN && !side->version.len))
			continue;
		if (text_begin(&text))
			return -ENOMEM;
		fputs(words[bit], text.out);
		if (fault == SIDE_FOREIGN)
			put_excerpt(text.out, &side->foreign);
		printf("%*s", KEY_COLUMNS, "");
		err = text_print(&text, KEY_COLUMNS, TINT_WARN);
	}
	return err;
}

static int print_side(const struct negotiation *negotiation, enum sshobs_direction direction)
{
	const struct side *side = &negotiation->sides[direction];
	struct text text;
	enum tint tint;

	if (text_begin(&text))
		return -ENOMEM;
	tint = put_version(text.out, side, direction);
	print_key(direction == SSHOBS_WIRE_IN ? "Client" : "Server");
	return text_print(&text, KEY_COLUMNS, tint) ?: print_faults(side);
}

static int print_disconnect(const struct negotiation *negotiation, enum sshobs_direction direction)
{
	const struct side *side = &negotiation->sides[direction];
	const char *name = disconnect_name(side->disconnect.reason);
	struct text text;

	if (!side->disconnect.seen.time_ns)
		return 0;
	if (text_begin(&text))
		return -ENOMEM;
	fprintf(text.out, "by the %s: %u", side_names[direction], side->disconnect.reason);
	if (name)
		fprintf(text.out, " (%s)", name);
	fputs(": ", text.out);
	put_excerpt(text.out, &side->disconnect.text);
	print_key("Disconnect");
	return text_print(&text, KEY_COLUMNS, TINT_WARN);
}

static void put_name(FILE *out, const char *what, struct name_list name)
{
	fputs(what, out);
	if (name.names)
		escape_put(out, name.names, name.len);
	else
		fputs("(no match)", out);
}

/* One line of what "ssh -v" prints, from up to three names. */
static int print_kex(const struct name_list *names, const char *const *words, size_t n)
{
	struct text text;
	size_t i;

	if (text_begin(&text))
		return -ENOMEM;
	for (i = 0; i < n; i++)
		put_name(text.out, words[i], names[i]);
	print_key("kex");
	return text_print(&text, KEY_COLUMNS, TINT_NONE);
}

static int print_agreed(const struct name_list *agreed)
{
	static const char *const words[] = { "algorithm: ", "host key algorithm: " };
	static const char *const s2c[] = { "server->client cipher: ", " MAC: ", " compression: " };
	static const char *const c2s[] = { "client->server cipher: ", " MAC: ", " compression: " };
	struct name_list from_server[] = { agreed[LIST_CIPHER_S2C], agreed[LIST_MAC_S2C],
					   agreed[LIST_COMPRESSION_S2C] };
	struct name_list from_client[] = { agreed[LIST_CIPHER_C2S], agreed[LIST_MAC_C2S],
					   agreed[LIST_COMPRESSION_C2S] };

	return print_kex(&agreed[LIST_KEX], &words[0], 1)	       ?:
		       print_kex(&agreed[LIST_HOST_KEY], &words[1], 1) ?:
		       print_kex(from_server, s2c, 3)		       ?:
		       print_kex(from_client, c2s, 3);
}

static int print_hassh(const struct negotiation *negotiation, enum sshobs_direction direction)
{
	const struct kexinit *kexinit = negotiation->sides[direction].kexinit;

	if (kexinit) {
		print_key(direction == SSHOBS_WIRE_IN ? "hassh" : "hasshServer");
		puts(kexinit->hassh);
	}
	return 0;
}

static int print_proposal(const struct negotiation *negotiation, enum sshobs_direction direction)
{
	const struct kexinit *kexinit = negotiation->sides[direction].kexinit;
	unsigned int i;
	int err = 0;

	if (!kexinit)
		return 0;
	printf("\n%s%s KEXINIT proposal%s\n", term_tint(TINT_BOLD), side_names[direction],
	       term_tint(TINT_NONE));
	for (i = 0; i < N_KEXINIT_LISTS && !err; i++) {
		struct text text;

		if (text_begin(&text))
			return -ENOMEM;
		escape_put(text.out, kexinit->lists[i].names, kexinit->lists[i].len);
		printf("%s: ", lists[i].label);
		err = text_print(&text, strlen(lists[i].label) + 2, TINT_NONE);
	}
	printf("first_kex_follows %d\n", kexinit->first_kex_packet_follows);
	return err;
}

/* The client's part, then the server's. */
static int print_both(int (*print)(const struct negotiation *negotiation,
				   enum sshobs_direction direction),
		      const struct negotiation *negotiation)
{
	return print(negotiation, SSHOBS_WIRE_IN) ?: print(negotiation, SSHOBS_WIRE_OUT);
}

int view_negotiation(const struct negotiation *negotiation, bool all)
{
	int err = print_both(print_side, negotiation);

	if (negotiation_settled(negotiation))
		err = err ?: print_agreed(negotiation->agreed);
	err = err ?: print_both(print_disconnect, negotiation);
	err = err ?: print_both(print_hassh, negotiation);
	if (all)
		err = err ?: print_both(print_proposal, negotiation);
	return err;
}

static void add_excerpt(struct json_object *object, const char *key, const struct excerpt *excerpt)
{
	char total[64];

	json_add_bytes(object, key, excerpt->bytes, excerpt->len);
	snprintf(total, sizeof(total), "%s_total", key);
	if (excerpt->len < excerpt->total)
		json_add_u64(object, total, excerpt->total);
}

static void add_sighting(struct json_object *object, const char *key, const struct sighting *seen)
{
	struct json_object *times = NULL;

	if (seen->time_ns) {
		times = json_object_new_object();
		json_add_u64(times, "mono_ns", seen->time_ns);
		json_add_ns(times, "net_ns", seen->net_ns);
	}
	json_add(object, key, times);
}

static void add_kexinit(struct json_object *object, const char *key, const struct kexinit *kexinit)
{
	struct json_object *offer = kexinit ? json_object_new_object() : NULL;
	unsigned int i;

	for (i = 0; i < N_KEXINIT_LISTS && offer; i++)
		json_add_names(offer, lists[i].key, kexinit->lists[i].names, kexinit->lists[i].len);
	if (offer)
		json_add_bool(offer, "first_kex_packet_follows", kexinit->first_kex_packet_follows);
	json_add(object, key, offer);
}

static void add_disconnect(struct json_object *object, const struct disconnect *disconnect)
{
	struct json_object *told = NULL;

	if (disconnect->seen.time_ns) {
		told = json_object_new_object();
		json_add_symbol(told, "reason", disconnect_name(disconnect->reason),
				disconnect->reason);
		add_excerpt(told, "text", &disconnect->text);
		json_add_ns(told, "mono_ns", disconnect->seen.time_ns);
		json_add_ns(told, "net_ns", disconnect->seen.net_ns);
	}
	json_add(object, "disconnect", told);
}

/* What one side sent; "opening" and "foreign" are there where they say something. */
static struct json_object *side_object(const struct side *side)
{
	struct json_object *object = json_object_new_object();

	if (side->version.len)
		add_excerpt(object, "version", &side->version);
	else
		json_add(object, "version", NULL);
	if (!side->version.len && side->opening.total)
		add_excerpt(object, "opening", &side->opening);
	if (side->faults & SIDE_FOREIGN)
		add_excerpt(object, "foreign", &side->foreign);
	json_add(object, "faults", json_bits(side->faults, side_fault_name));
	add_sighting(object, "version_at", &side->version_seen);
	add_sighting(object, "kexinit_at", &side->kexinit_seen);
	add_sighting(object, "newkeys_at", &side->newkeys_seen);
	add_kexinit(object, "kexinit", side->kexinit);
	add_disconnect(object, &side->disconnect);
	return object;
}

/* Its members become "client_version" and the like. */
static void add_side(struct json_object *object, const struct negotiation *negotiation,
		     enum sshobs_direction direction)
{
	struct json_object *side = side_object(&negotiation->sides[direction]);
	char name[64];

	json_object_object_foreach(side, key, value)
	{
		snprintf(name, sizeof(name), "%s_%s", side_names[direction], key);
		json_add(object, name, json_object_get(value));
	}
	json_object_put(side);
}

static void add_agreed(struct json_object *object, const struct negotiation *negotiation)
{
	const struct name_list *name = negotiation->agreed;
	struct json_object *agreed = NULL;
	unsigned int i;

	if (negotiation_settled(negotiation))
		agreed = json_object_new_object();
	for (i = 0; i < N_AGREED && agreed; i++, name++) {
		if (name->names)
			json_add_bytes(agreed, lists[i].key, name->names, name->len);
		else
			json_add(agreed, lists[i].key, NULL);
	}
	json_add(object, "agreed", agreed);
}

static void add_hassh(struct json_object *object, const char *key, const struct kexinit *kexinit)
{
	json_add_string(object, key, kexinit ? kexinit->hassh : NULL);
}

void json_add_negotiation(struct json_object *object, const struct negotiation *negotiation)
{
	struct json_object *told = NULL;

	if (negotiation) {
		told = json_object_new_object();
		add_side(told, negotiation, SSHOBS_WIRE_IN);
		add_side(told, negotiation, SSHOBS_WIRE_OUT);
		add_agreed(told, negotiation);
		add_hassh(told, "hassh", negotiation->sides[SSHOBS_WIRE_IN].kexinit);
		add_hassh(told, "hassh_server", negotiation->sides[SSHOBS_WIRE_OUT].kexinit);
	}
	json_add(object, "negotiation", told);
}
