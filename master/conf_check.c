/* SPDX-License-Identifier: ISC */
#include "master/conf_check.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/password_file.h"
#include "master/trusted_file.h"

static const enum role separate_roles[] = {ROLE_CERTD,  ROLE_GATE,  ROLE_ACCOUNTS, ROLE_QUEUE,
					   ROLE_VERIFY, ROLE_RELAY, ROLE_FILTER};
#define SEPARATE_COUNT (sizeof(separate_roles) / sizeof(separate_roles[0]))

static struct conf_where
whole_file(const struct configuration *conf)
{
	return (struct conf_where){.file = conf->path};
}

static void
find_user(const struct configuration *conf, enum role role, struct conf_users *users,
	  struct conf_problems *problems)
{
	struct conf_where where = conf->users_where[role];
	const char *name = conf->users[role], *error = NULL;
	const struct passwd *pw;
	long long number;

	if (where.line == 0)
		where = whole_file(conf);
	number = strtonum(name, 1, UINT32_MAX - 1, &error);
	if (error == NULL) {
		/* A number needs no entry; its group is the one of the same number then. */
		/* cppcheck-suppress getpwuidCalled ; the master has one thread */
		pw = getpwuid((uid_t)number);
		users->uid[role] = (uint32_t)number;
		users->gid[role] = pw != NULL && pw->pw_gid != 0 ? pw->pw_gid : (uint32_t)number;
		return;
	}
	/* cppcheck-suppress getpwnamCalled ; the master has one thread */
	pw = getpwnam(name);
	if (pw == NULL) {
		conf_problem(problems, where,
			     "there is no user \"%s\": run systemd-sysusers (its file is "
			     "sysusers.d/postern.conf), or name others with users = { ... }",
			     name);
		return;
	}
	if (pw->pw_uid == 0 || pw->pw_gid == 0) {
		conf_problem(problems, where,
			     "the user \"%s\" has root's uid or gid: no child runs as root", name);
		return;
	}
	users->uid[role] = pw->pw_uid;
	users->gid[role] = pw->pw_gid;
}

/* Two roles with one uid could reach into each other: the walls need them apart. */
static void
check_apart(const struct configuration *conf, const struct conf_users *users,
	    struct conf_problems *problems)
{
	for (size_t i = 0; i < SEPARATE_COUNT; i++) {
		enum role a = separate_roles[i];

		if (users->uid[a] == UINT32_MAX)
			continue;
		if (users->uid[a] >= conf->mailbox_first && users->uid[a] <= conf->mailbox_last &&
		    conf->mailbox_where.line != 0)
			conf_problem(problems, conf->mailbox_where,
				     "mailbox_uids contains the uid %u of the user \"%s\"",
				     users->uid[a], conf->users[a]);
		for (size_t j = 0; j < i; j++) {
			enum role b = separate_roles[j];

			if (users->uid[b] != UINT32_MAX && users->uid[a] == users->uid[b])
				conf_problem(problems, whole_file(conf),
					     "the users \"%s\" and \"%s\" have the same uid %u: "
					     "each role needs one of its own",
					     conf->users[b], conf->users[a], users->uid[a]);
		}
	}
}

void
conf_find_users(const struct configuration *conf, struct conf_users *users,
		struct conf_problems *problems)
{
	memset(users, 0xff, sizeof(*users));
	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < SEPARATE_COUNT; i++) {
		/* Who asks no client needs no verifier, nor a user for it. */
		if (separate_roles[i] == ROLE_VERIFY && !conf_asks_clients(conf))
			continue;
		if (separate_roles[i] == ROLE_RELAY && !conf->relay.wanted)
			continue;
		if (separate_roles[i] == ROLE_FILTER && !conf_filters(conf))
			continue;
		find_user(conf, separate_roles[i], users, problems);
	}
	check_apart(conf, users, problems);
}

void
conf_check_file(const struct configuration *conf, struct conf_problems *problems)
{
	struct stat st;

	if (geteuid() != 0 || stat(conf->path, &st) == -1)
		return;
	if (st.st_uid != 0 || (st.st_mode & 022) != 0)
		conf_problem(problems, whole_file(conf),
			     "others than root can change this file, and so what root does: chown "
			     "root %s && chmod go-w %s",
			     conf->path, conf->path);
}

static void
check_relay_file(const char *path, struct conf_where where, struct conf_problems *problems)
{
	struct error err;
	int fd;

	if (path == NULL)
		return;
	fd = trusted_file_open(path, TRUST_NOBODY_ELSE, &err);
	if (fd == -1)
		conf_problem(problems, where, "%s", err.text);
	else
		close(fd);
}

/* Its mail waits then, all other mail does not: that is no error. */
static void
check_password_file(const struct conf_route *route, struct conf_problems *problems)
{
	char password[RELAY_PASSWORD_SIZE];
	struct error err;

	if (route->password_file == NULL)
		return;
	if (password_file_read(route->password_file, password, sizeof(password), &err) == -1)
		conf_warning(problems, route->where, "mail of the route \"%s\" waits: %s",
			     route->domain, err.text);
	explicit_bzero(password, sizeof(password));
}

void
conf_check_relay(const struct configuration *conf, struct conf_problems *problems)
{
	const struct conf_relay *relay = &conf->relay;

	check_relay_file(relay->anchors, relay->anchors_where, problems);
	check_relay_file(relay->authorities, relay->authorities_where, problems);
	check_password_file(&relay->standard, problems);
	for (size_t i = 0; i < relay->route_count; i++)
		check_password_file(&relay->routes[i], problems);
}
