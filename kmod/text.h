/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One record becomes one escaped line of text.
 *
 * Pure: no state, no locks, no allocation; may be called in any context. The
 * reader in userspace/ is built from the same file, so that what it prints and
 * what cat /dev/sshobs prints cannot differ.
 */
#ifndef _SSHOBS_TEXT_H
#define _SSHOBS_TEXT_H

#include "../uapi/sshobs.h"

/*
 * Bytes that the longest line takes: each byte of a path, of arguments or of a
 * mark becomes at most four, the rest of a line is far below 1024.
 */
#define SSHOBS_TEXT_MAX	(4 * SSHOBS_RECORD_MAX + 1024)

/**
 * sshobs_text() - write a record as a line
 * @rec: record whose lengths were checked: its body is whole, and its path_len,
 *	argv_len, text_len and data_len lie within rec->len
 * @buf: where the line goes
 * @size: bytes at @buf; SSHOBS_TEXT_MAX are always enough
 *
 * Return: the length of the line with its newline; there is no NUL. A line that
 * does not fit is cut, and still ends in a newline.
 */
size_t sshobs_text(const struct sshobs_hdr *rec, char *buf, size_t size);

/**
 * sshobs_type_name() - the name of an event, as text and JSON have it
 * @type: enum sshobs_type
 *
 * Return: a name such as "accept", or NULL for a type that is not known.
 */
const char *sshobs_type_name(unsigned int type);

/**
 * sshobs_errno_name() - the symbol of an error that fork, execve or connect returns
 * @error: errno, positive
 *
 * Return: a name such as "ENOENT", or NULL for one that is not in the table.
 */
const char *sshobs_errno_name(unsigned int error);

/**
 * sshobs_signal_name() - the symbol of a signal
 * @signal: number
 *
 * Return: a name such as "SIGKILL", or NULL for 0 and for real-time signals.
 */
const char *sshobs_signal_name(unsigned int signal);

/**
 * sshobs_clone_flag_name() - the symbol of a flag in struct sshobs_clone
 * @bit: number of the bit, 0 to 63
 *
 * Return: a name such as "CLONE_VM", or NULL for a bit that a record never has.
 */
const char *sshobs_clone_flag_name(unsigned int bit);

/**
 * sshobs_fork_limit_name() - the name of a limit of processes
 * @limit: enum sshobs_fork_limit
 *
 * Return: a name such as "nproc", or NULL for SSHOBS_FORK_UNKNOWN and others.
 */
const char *sshobs_fork_limit_name(unsigned int limit);

/**
 * sshobs_exec_fail_as() - RLIMIT_AS, which a failed execve is told with
 * @hdr: a record of SSHOBS_EXEC_FAIL whose lengths were checked
 *
 * Return: where it stands in the record, or NULL: it is not told.
 */
const struct sshobs_limit *sshobs_exec_fail_as(const struct sshobs_hdr *hdr);

/**
 * sshobs_exit_limit() - a limit that a process ended at the edge of
 * @hdr: a record of SSHOBS_EXIT whose lengths were checked
 * @resource: RLIMIT_*
 *
 * Return: where it stands in the record, or NULL: it is not told.
 */
const struct sshobs_limit *sshobs_exit_limit(const struct sshobs_hdr *hdr, unsigned int resource);

/**
 * sshobs_incomplete_name() - the name of a reason why a session is not complete
 * @bit: number of the bit in struct sshobs_end.incomplete
 *
 * Return: a name such as "missed", or NULL for a bit that is not known.
 */
const char *sshobs_incomplete_name(unsigned int bit);

/**
 * sshobs_direction_name() - the name of a direction of clear text
 * @direction: enum sshobs_direction
 *
 * Return: "in" or "out", or NULL for one that is not known.
 */
const char *sshobs_direction_name(unsigned int direction);

/**
 * sshobs_wire_flag_name() - the name of a flag in struct sshobs_wire
 * @bit: number of the bit
 *
 * Return: a name such as "whole", or NULL for a bit that is not known.
 */
const char *sshobs_wire_flag_name(unsigned int bit);

/**
 * sshobs_reading_flag_name() - the name of a flag in struct sshobs_reading
 * @bit: number of the bit
 *
 * Return: "last" or "cut", or NULL for a bit that is not known.
 */
const char *sshobs_reading_flag_name(unsigned int bit);

/**
 * sshobs_message_name() - the name of an SSH message that comes in clear text
 * @message: its number (RFC 4250, 4.1.2)
 *
 * Return: a name such as "KEXINIT", or NULL for one that is not in the table.
 */
const char *sshobs_message_name(unsigned int message);

/**
 * sshobs_protocol_name() - the name of a transport protocol
 * @protocol: IPPROTO_*
 *
 * Return: "tcp" or "udp", or NULL for any other.
 */
const char *sshobs_protocol_name(unsigned int protocol);

/**
 * sshobs_connect_result() - how a connect stands, where no errno tells
 * @connect: it
 *
 * Return: "begun", "abandoned" or "unsent"; or NULL: @connect->error tells.
 */
const char *sshobs_connect_result(const struct sshobs_connect *connect);

#endif /* _SSHOBS_TEXT_H */
