// SPDX-License-Identifier: GPL-2.0
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "causes.h"

/* clang-format off */
static const struct {
	unsigned int port;
	const char *cause;
} ports[] = {
	{ 49,	"TACACS+" },
	{ 88,	"Kerberos: GSSAPI, pam_krb5" },
	{ 389,	"LDAP" },
	{ 464,	"Kerberos" },
	{ 636,	"LDAP" },
	{ 1812,	"RADIUS" },
	{ 3268,	"LDAP: Active Directory" },
	{ 3269,	"LDAP: Active Directory" },
};

/* Sockets of services, by how their paths begin. /var/run is /run. */
static const struct {
	const char *path;
	const char *cause;
} paths[] = {
	{ "/run/dbus/",				"D-Bus: pam_systemd, logind" },
	{ "/run/systemd/io.systemd.",		"pam_systemd, logind" },
	{ "/run/systemd/userdb/",		"nss-systemd" },
	{ "/run/nscd/",				"nscd" },
	{ "/var/lib/sss/",			"SSSD" },
	{ "/run/samba/winbindd/",		"winbind" },
	{ "/run/fail2ban/",			"fail2ban" },
};
/* clang-format on */

#define RESOLVED_PATH "/run/systemd/resolve/"

/* The address at which clouds tell a host about itself. */
static bool is_metadata(const struct sshobs_endpoint *peer)
{
	static const unsigned char addr[] = { 169, 254, 169, 254 };

	return peer->family == AF_INET && memcmp(peer->addr, addr, sizeof(addr)) == 0;
}

static const char *cause_of_dns(enum phase_name phase, bool server)
{
	if (!server)
		return "DNS";
	if (phase == PHASE_AUTH || phase == PHASE_UNKNOWN)
		return "DNS: UseDNS, or a host name in from= or Match";
	return "DNS: UseDNS, a PAM module or audit";
}

static const char *cause_of_path(const struct event *event, enum phase_name phase, bool server)
{
	static const char old[] = "/var/run/";
	const char *path = (const char *)event->data;
	size_t len = event->connect->path_len;
	size_t i;

	if (len > strlen(old) && memcmp(path, old, strlen(old)) == 0) {
		path += strlen("/var");
		len -= strlen("/var");
	}
	if (len > strlen(RESOLVED_PATH) && memcmp(path, RESOLVED_PATH, strlen(RESOLVED_PATH)) == 0)
		return cause_of_dns(phase, server);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		size_t n = strlen(paths[i].path);

		if (len > n && memcmp(path, paths[i].path, n) == 0)
			return paths[i].cause;
	}
	return NULL;
}

const char *cause_of_connect(const struct event *event, enum phase_name phase, bool server)
{
	const struct sshobs_endpoint *peer = &event->connect->peer;
	size_t i;

	if (peer->family == AF_UNIX)
		return cause_of_path(event, phase, server);
	if (peer->port == 53)
		return cause_of_dns(phase, server);
	if (is_metadata(peer))
		return "the cloud's metadata service";
	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		if (peer->port == ports[i].port)
			return ports[i].cause;
	return NULL;
}

bool program_is_motd(const struct program *program)
{
	size_t len = strlen(MOTD_FOLDER);

	return program->path_len > len && memcmp(program->path, MOTD_FOLDER, len) == 0;
}

static bool is_named(const struct program *program, const char *name)
{
	const char *path = (const char *)program->path;
	const char *slash = memrchr(path, '/', program->path_len);

	return strcmp(slash ? slash + 1 : path, name) == 0;
}

static bool mentions(const struct program *program, const char *text)
{
	return memmem(program->argv, program->argv_len, text, strlen(text));
}

/* clang-format off */
static const struct {
	const char *name;
	const char *cause;
} programs[] = {
	{ "unix_chkpwd",		"pam_unix" },
	{ "mkhomedir_helper",		"pam_mkhomedir" },
	{ "pam_namespace_helper",	"pam_namespace" },
	{ "xauth",			"X11Forwarding" },
	{ "sftp-server",		"Subsystem sftp" },
};
/* clang-format on */

const char *cause_of_program(const struct process *top, enum phase_name phase)
{
	const struct program *program = model_program(top);
	size_t i;

	if (!program)
		return NULL;
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (is_named(program, programs[i].name))
			return programs[i].cause;
	if (mentions(program, "update-motd.d"))
		return "pam_motd";
	if (mentions(program, "eic_run_authorized_keys"))
		return "AuthorizedKeysCommand: EC2 Instance Connect";
	if (mentions(program, ".ssh/rc") || mentions(program, "/etc/ssh/sshrc"))
		return "~/.ssh/rc, sshrc";
	if (phase == PHASE_AUTH)
		return program->uid ? "AuthorizedKeysCommand" :
				      "pam_exec, or AuthorizedKeysCommand as root";
	return phase == PHASE_SESSION && !program->uid ? "pam_exec" : NULL;
}

/* clang-format off */
static const struct {
	const char *name;
	const char *files;
} shells[] = {
	{ "bash",	"~/.bashrc, ~/.profile, /etc/profile, /etc/profile.d" },
	{ "zsh",	"~/.zshrc, ~/.zprofile, ~/.zshenv, /etc/zsh" },
	{ "dash",	"~/.profile, /etc/profile, /etc/profile.d" },
	{ "sh",		"~/.profile, /etc/profile, /etc/profile.d" },
	{ "ksh",	"~/.kshrc, ~/.profile, /etc/profile" },
	{ "fish",	"~/.config/fish" },
	{ "tcsh",	"~/.tcshrc, ~/.login, /etc/csh.cshrc" },
};
/* clang-format on */

const char *cause_of_shell(const struct process *shell)
{
	size_t i;

	for (i = 0; i < sizeof(shells) / sizeof(shells[0]) && shell->n_execs; i++)
		if (is_named(&shell->execs[0], shells[i].name))
			return shells[i].files;
	return NULL;
}
