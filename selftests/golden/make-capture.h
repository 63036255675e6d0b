/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the capture are made with; one record after the other, in the
 * order of time.
 */
#ifndef _SSHOBS_GOLDEN_MAKE_CAPTURE_H
#define _SSHOBS_GOLDEN_MAKE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "../../uapi/sshobs.h"

/* User ids that no host has a name for. */
#define ALICE 424201
#define BOB   424202
#define SSHD  105

/* CLOCK_MONOTONIC time of the next record. */
extern uint64_t now;

/** after_us() - let time go by */
void after_us(uint64_t us);

/** on() - say which session and which task the next records are about; 0: none */
void on(uint64_t session, uint32_t pid, const char *comm);

/**
 * put() - write a record
 * @type: enum sshobs_type
 * @cpu_us: CPU time that the task had consumed
 * @body: the fixed part of its body
 * @size: bytes of @body
 * @data: what follows it
 * @data_size: bytes of @data
 */
void put(unsigned int type, uint64_t cpu_us, const void *body, size_t size, const void *data,
	 size_t data_size);

/** PUT() - write a record that ends with its body, which is a compound literal */
#define PUT(type, cpu, ...) put(type, cpu, &(__VA_ARGS__), sizeof(__VA_ARGS__), "", 0)

/** ipv4() - a port of 203.0.113.@last */
struct sshobs_endpoint ipv4(unsigned int last, unsigned int port);

/** accept_from() - write an accept or adopt; @start: 0: now */
void accept_from(struct sshobs_endpoint peer, struct sshobs_endpoint local, unsigned int type,
		 uint64_t start);

/** forked() - write a clone */
void forked(uint64_t cpu, uint32_t child);

/**
 * exec_bytes() - write an exec
 * @cpu: CPU time that the task had consumed, in us
 * @uid: real user id
 * @tty: controlling terminal; empty: none
 * @path: of the program
 * @argv: arguments, a NUL after each one
 * @argv_len: bytes of @argv
 * @argv_total: bytes that there were
 */
void exec_bytes(uint64_t cpu, uint32_t uid, const char *tty, const char *path, const void *argv,
		size_t argv_len, size_t argv_total);

/** EXEC() - write an exec whose arguments are a literal with NULs between them */
#define EXEC(cpu, uid, tty, path, argv) \
	exec_bytes(cpu, uid, tty, path, argv, sizeof(argv), sizeof(argv))

/** becomes() - write a change of group and user, in two calls */
void becomes(uint64_t cpu, uint32_t uid, uint32_t gid);

/** exits() - write an exit */
void exits(uint64_t cpu, uint32_t code, uint32_t signal);

/** closes() - write a close; with @flags, after some retransmits */
void closes(struct sshobs_endpoint peer, uint64_t in, uint64_t sent, uint32_t flags);

/** ends() - write an end */
void ends(uint64_t duration, uint32_t processes, uint32_t execs, uint32_t flags,
	  uint32_t incomplete);

/** delayed() - say for how long no processor took the task of the next records; 0: never */
void delayed(uint64_t us);

/** acts_as() - write that the task acts as a user for a moment */
void acts_as(uint64_t cpu, uint32_t uid);

/** pts() - write a pty or a prompt */
void pts(unsigned int type, uint64_t cpu, uint32_t index);

/** ipv6() - a port of 2001:db8::@last, or of fe80::@last on the interface @scope */
struct sshobs_endpoint ipv6(unsigned int last, unsigned int port, uint32_t scope);

/** logins() - write the sessions of make-logins.c */
void logins(void);

/** outcomes() - write the sessions of make-outcomes.c */
void outcomes(void);

/** negotiations() - write the sessions of make-negotiation.c */
void negotiations(void);

#endif /* _SSHOBS_GOLDEN_MAKE_CAPTURE_H */
