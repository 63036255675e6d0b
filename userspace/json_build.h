/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Members of JSON objects: the plain ones, and those that more than one view has.
 */
#ifndef _SSHOBS_JSON_BUILD_H
#define _SSHOBS_JSON_BUILD_H

#include <json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

/**
 * json_print() - print an object as one line, and free it
 *
 * What could do harm on a terminal is written as \uXXXX, which means the same.
 */
void json_print(struct json_object *object);

/** json_add() - add a member; json_add_* make its value */
void json_add(struct json_object *object, const char *key, struct json_object *value);
/** json_add_u64() - add an unsigned number */
void json_add_u64(struct json_object *object, const char *key, uint64_t value);
/** json_add_ns() - add a time of CLOCK_MONOTONIC; null where it is not known (0) */
void json_add_ns(struct json_object *object, const char *key, uint64_t ns);
/** json_add_bool() - add a truth */
void json_add_bool(struct json_object *object, const char *key, bool value);
/** json_add_string() - add a string that is known to be UTF-8; NULL becomes null */
void json_add_string(struct json_object *object, const char *key, const char *value);
/** json_add_bytes() - add bytes, with a _b64 sibling if they are not UTF-8 */
void json_add_bytes(struct json_object *object, const char *key, const void *bytes, size_t len);

/** json_bits() - an array of the names of the bits that are set */
struct json_object *json_bits(uint64_t set, const char *(*name_of)(unsigned int bit));

/** json_add_symbol() - add a name, or @number where it is NULL */
void json_add_symbol(struct json_object *object, const char *key, const char *name,
		     unsigned int number);

/** json_add_endpoint() - add the address and the port of one end */
void json_add_endpoint(struct json_object *object, const char *addr_key, const char *port_key,
		       const struct sshobs_endpoint *end);

/** json_add_endpoints() - add peer_addr, peer_port, local_addr and local_port */
void json_add_endpoints(struct json_object *object, const struct sshobs_endpoint *peer,
			const struct sshobs_endpoint *local);

/** json_add_path() - add path, and path_total if it was cut */
void json_add_path(struct json_object *object, const unsigned char *path, uint32_t len,
		   uint32_t total);

/** json_add_argv() - add argv, and argv_b64 if one of them is not UTF-8 */
void json_add_argv(struct json_object *object, const unsigned char *argv, size_t len);

/** json_add_strings() - add an array of strings that end in NUL; as json_add_argv() otherwise */
void json_add_strings(struct json_object *object, const char *key, const void *strings, size_t len);

/** json_add_names() - add an array of what commas separate; as json_add_argv() otherwise */
void json_add_names(struct json_object *object, const char *key, const unsigned char *names,
		    size_t len);

/** json_add_tty() - add tty: at most SSHOBS_TTY_LEN bytes, null for none */
void json_add_tty(struct json_object *object, const char *tty);

/** json_add_outcome() - add code, or signal if that is what ended it */
void json_add_outcome(struct json_object *object, uint32_t code, uint32_t signal);

/** json_add_close() - add what a connection carried */
void json_add_close(struct json_object *object, const struct sshobs_close *close);

/** json_add_origin() - add boot_id and host */
void json_add_origin(struct json_object *object, const struct origin *origin);

#endif /* _SSHOBS_JSON_BUILD_H */
