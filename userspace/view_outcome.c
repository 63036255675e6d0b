// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "format.h"
#include "json_build.h"
#include "outcome.h"
#include "view_outcome.h"

static enum tint tint_of(enum outcome_kind kind)
{
	switch (kind) {
	case OUTCOME_AUTHENTICATING:
	case OUTCOME_UNKNOWN:
		return TINT_WARN;
	case OUTCOME_AUTH_FAILED:
	case OUTCOME_REFUSED:
	case OUTCOME_GRACE_TIMEOUT:
	case OUTCOME_DISCONNECTED:
	case OUTCOME_CRASHED:
		return TINT_BAD;
	default:
		return TINT_NONE;
	}
}

static void put_proof_text(FILE *out, const struct proof *proof)
{
	fputs(proof->words, out);
	if (proof->words[0] && proof->quote.at)
		fputs(": ", out);
	if (proof->quote.at)
		escape_put(out, proof->quote.at, proof->quote.len);
	if (proof->cut)
		fputs("...", out);
}

static void print_proof(const struct proof *proof)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	if (proof->pid) {
		escape_string(out, proof->comm);
		fprintf(out, "[%u]: ", proof->pid);
	}
	put_proof_text(out, proof);
	if (fclose(out) == 0) {
		printf("%*s%s%-5s%s ", KEY_COLUMNS, "", term_tint(TINT_DIM),
		       outcome_proof_name(proof->kind), term_tint(TINT_NONE));
		term_wrap(text, KEY_COLUMNS + 6, TINT_NONE);
	}
	free(text);
}

static void print_outcome(const struct outcome *outcome)
{
	size_t i;

	print_key("Outcome");
	printf("%s%s%s", term_tint(tint_of(outcome->kind)), outcome_name(outcome->kind),
	       term_tint(TINT_NONE));
	if (outcome->subsystem)
		printf(" %s", outcome->subsystem);
	puts(outcome->disagree ? ": the evidence disagrees" : "");
	for (i = 0; i < outcome->n_proofs; i++)
		print_proof(&outcome->proofs[i]);
}

static void print_bytes(const char *before, const struct bytes *bytes)
{
	fputs(before, stdout);
	escape_put(stdout, bytes->at, bytes->len);
}

static void print_auth(const struct evidence *evidence)
{
	uint32_t failures = evidence_failures(evidence);

	if (!evidence->accepted_ns && !failures)
		return;
	print_key("Auth");
	if (evidence->method.at)
		print_bytes("", &evidence->method);
	if (evidence->fingerprint.at) {
		print_bytes(", ", &evidence->key_type);
		print_bytes(" ", &evidence->fingerprint);
	}
	if (failures)
		printf("%s%u failed %s", evidence->method.at ? ", after " : "", failures,
		       failures == 1 ? "try" : "tries");
	putchar('\n');
}

void view_outcome_summary(const struct session *session)
{
	struct outcome outcome;

	outcome_find(session, &outcome);
	print_outcome(&outcome);
	print_auth(&session->evidence);
}

/* What OUTCOME alone does not say. */
static const char *state_after(const struct session *session, enum outcome_kind kind)
{
	if (session->state == SESSION_CLOSED)
		return ", closed";
	/* These say it themselves. */
	if (kind == OUTCOME_AUTHENTICATING || kind == OUTCOME_AUTHENTICATED)
		return "";
	return session->state == SESSION_UP ? ", up" : "";
}

enum tint view_outcome_cell(char *buf, const struct session *session)
{
	struct outcome outcome;
	enum tint tint;

	outcome_find(session, &outcome);
	tint = tint_of(outcome.kind);
	snprintf(buf, FORMAT_MAX, "%s%s", outcome.subsystem ?: outcome_name(outcome.kind),
		 state_after(session, outcome.kind));
	return tint == TINT_NONE && session->state == SESSION_UP ? TINT_GOOD : tint;
}

static struct json_object *proof_object(const struct proof *proof)
{
	struct json_object *object = json_object_new_object();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	json_add_string(object, "kind", outcome_proof_name(proof->kind));
	if (proof->pid) {
		json_add_u64(object, "pid", proof->pid);
		json_add_bytes(object, "comm", proof->comm, strlen(proof->comm));
	}
	if (!out)
		return object;
	fputs(proof->words, out);
	if (proof->words[0] && proof->quote.at)
		fputs(": ", out);
	if (proof->quote.at)
		fwrite(proof->quote.at, 1, proof->quote.len, out);
	if (fclose(out) == 0)
		json_add_bytes(object, "text", text, size);
	free(text);
	if (proof->cut)
		json_add_bool(object, "cut", true);
	return object;
}

static void add_bytes(struct json_object *object, const char *key, const struct bytes *bytes)
{
	if (bytes->at)
		json_add_bytes(object, key, bytes->at, bytes->len);
	else
		json_add(object, key, NULL);
}

void view_outcome_json(struct json_object *object, const struct session *session)
{
	const struct evidence *evidence = &session->evidence;
	struct json_object *array = json_object_new_array();
	struct outcome outcome;
	size_t i;

	outcome_find(session, &outcome);
	json_add_string(object, "outcome", outcome_name(outcome.kind));
	json_add_string(object, "subsystem", outcome.subsystem);
	for (i = 0; i < outcome.n_proofs; i++)
		json_object_array_add(array, proof_object(&outcome.proofs[i]));
	json_add(object, "evidence", array);
	json_add_bool(object, "evidence_disagrees", outcome.disagree);
	add_bytes(object, "auth_method", &evidence->method);
	add_bytes(object, "auth_key_type", &evidence->key_type);
	add_bytes(object, "auth_key_fingerprint", &evidence->fingerprint);
	json_add_u64(object, "auth_failures", evidence_failures(evidence));
}
