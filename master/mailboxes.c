/* SPDX-License-Identifier: ISC */
#include "master/mailboxes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "master/state.h"

#define OPEN_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* A mailbox in the making. No mailbox and no domain has a name with a leading dot. */
#define UNFINISHED ".new"

struct uid_list {
	uint32_t *list;
	size_t count;
	size_t room;
	bool sorted;
	dev_t device; /* of the folder it is about */
	ino_t inode;
};

static int
compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

uint32_t
mailbox_free_uid(const uint32_t *used, size_t count, uint32_t first, uint32_t last)
{
	uint32_t candidate = first;

	while (count > 0 && used[count - 1] > last)
		count--;
	if (count == 0 || used[count - 1] < first)
		return first;
	/* Behind the highest first: the uid of a mailbox that was removed is not used again soon.
	 */
	if (used[count - 1] < last)
		return used[count - 1] + 1;
	for (size_t i = 0; i < count && candidate <= last; i++) {
		if (used[i] == candidate)
			candidate++;
		else if (used[i] > candidate)
			return candidate;
	}
	return UINT32_MAX;
}

/* Appends; the list is sorted again where that is needed. */
static int
add_uid(struct uid_list *uids, uint32_t uid)
{
	if (uids->count == uids->room) {
		size_t room = uids->room == 0 ? 256 : uids->room * 2;
		uint32_t *list = reallocarray(uids->list, room, sizeof(*list));

		if (list == NULL)
			return -1;
		uids->list = list;
		uids->room = room;
	}
	if (uids->count > 0 && uids->list[uids->count - 1] > uid)
		uids->sorted = false;
	uids->list[uids->count++] = uid;
	return 0;
}

/* Adds the owners of all directories in FOLDER (taken). */
static int
collect_owners(int folder, struct uid_list *uids)
{
	DIR *dir = fdopendir(folder);
	const struct dirent *entry;
	struct stat st;
	int result = 0;

	if (dir == NULL) {
		close(folder);
		return -1;
	}
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISDIR(st.st_mode))
			continue;
		result = add_uid(uids, st.st_uid);
	}
	closedir(dir);
	return result;
}

/* The owners of all mailboxes there are. */
static int
collect_uids(int mail, struct uid_list *uids)
{
	int again = openat(mail, ".", OPEN_FLAGS), domain, result = 0;
	DIR *dir = again == -1 ? NULL : fdopendir(again);
	const struct dirent *entry;

	if (dir == NULL) {
		if (again != -1)
			close(again);
		return -1;
	}
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		domain = openat(mail, entry->d_name, OPEN_FLAGS);
		if (domain != -1)
			result = collect_owners(domain, uids);
	}
	closedir(dir);
	return result;
}

/*
 * A uid that no mailbox has. All directories are read once; from then on the list is kept, so that
 * a uid that was given out in this life is not given out again even if its mailbox is removed.
 */
static int
allocate_uid(const struct configuration *conf, int mail, uint32_t *uid, struct error *err)
{
	static struct uid_list uids;
	struct stat st;

	if (fstat(mail, &st) == -1)
		return error_errno(err, "the folder of mail");
	if (st.st_ino != uids.inode || st.st_dev != uids.device) {
		uids.count = 0;
		if (collect_uids(mail, &uids) == -1)
			return error_errno(err, "reading which uids mailboxes have");
		uids.inode = st.st_ino;
		uids.device = st.st_dev;
	}
	if (!uids.sorted && uids.count > 0)
		qsort(uids.list, uids.count, sizeof(*uids.list), compare_uids);
	uids.sorted = true;
	*uid = mailbox_free_uid(uids.list, uids.count, conf->mailbox_first, conf->mailbox_last);
	if (*uid == UINT32_MAX)
		return error_set(err, "all uids of mailbox_uids are taken");
	if (add_uid(&uids, *uid) == -1)
		return error_errno(err, "keeping a uid");
	return 0;
}

/* The domain's directory, made if it is missing. */
static int
open_domain(int mail, const char *name, struct error *err)
{
	struct stat st;
	int fd;

	if (mkdirat(mail, name, 0700) == 0) {
		if (fsync(mail) == -1)
			return error_errno(err, "the folder of mail");
	} else if (errno != EEXIST) {
		return error_errno(err, "making the folder of %s", name);
	}
	fd = openat(mail, name, OPEN_FLAGS);
	if (fd == -1)
		return error_errno(err, "the folder of %s", name);
	if (fstat(fd, &st) == -1 || st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		close(fd);
		return error_set(err, "the folder of %s must belong to uid %u, with mode 0711",
				 name, geteuid());
	}
	/* The umask may have taken what others need to pass through. */
	if ((st.st_mode & 07777) != 0711 && fchmod(fd, 0711) == -1) {
		close(fd);
		return error_errno(err, "the mode of the folder of %s", name);
	}
	return fd;
}

/*
 * Makes a mailbox under another name first: a crash between its making and its giving away must
 * not leave a directory that is nobody's.
 */
static int
make_mailbox(int domain, const char *name, uint32_t uid, struct error *err)
{
	int fd, result = 0;

	(void)unlinkat(domain, UNFINISHED, AT_REMOVEDIR);
	if (mkdirat(domain, UNFINISHED, 0700) == -1)
		return error_errno(err, "making a mailbox");
	fd = openat(domain, UNFINISHED, OPEN_FLAGS);
	if (fd == -1)
		return error_errno(err, "a mailbox just made");
	if (fchmod(fd, 0700) == -1 || (uid != UINT32_MAX && fchown(fd, uid, uid) == -1) ||
	    fsync(fd) == -1 || renameat(domain, UNFINISHED, domain, name) == -1 ||
	    fsync(domain) == -1)
		result = error_errno(err, "making a mailbox");
	close(fd);
	if (result == -1)
		(void)unlinkat(domain, UNFINISHED, AT_REMOVEDIR);
	return result;
}

/* Whose is it? Only a uid of the range, and a directory that nobody else may enter, is right. */
static int
check_mailbox(const struct configuration *conf, int fd, bool root, uint32_t *uid, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_errno(err, "the mailbox");
	if ((st.st_mode & 077) != 0)
		return error_set(err, "its directory has mode %04o, which lets others in",
				 st.st_mode & 07777U);
	if (!root) {
		*uid = UINT32_MAX;
		return st.st_uid == geteuid()
			   ? 0
			   : error_set(err, "its directory belongs to uid %u", st.st_uid);
	}
	if (st.st_uid < conf->mailbox_first || st.st_uid > conf->mailbox_last)
		return error_set(
		    err,
		    "its directory belongs to uid %u, which is not one of mailbox_uids "
		    "(%u to %u)",
		    st.st_uid, conf->mailbox_first, conf->mailbox_last);
	*uid = st.st_uid;
	return 0;
}

static int
open_or_make(const struct configuration *conf, int mail, int domain,
	     const struct mailbox_name *name, struct error *err)
{
	uint32_t uid = UINT32_MAX;
	int fd = openat(domain, name->local, OPEN_FLAGS);

	if (fd == -1 && errno == ENOENT) {
		if (geteuid() == 0 && allocate_uid(conf, mail, &uid, err) == -1)
			return -1;
		if (make_mailbox(domain, name->local, uid, err) == -1)
			return -1;
		log_event(LOG_INFO, "mailbox.made", KV_STR("user", name->local),
			  KV_STR("domain", name->domain),
			  KV_U64("uid", uid == UINT32_MAX ? geteuid() : uid));
		fd = openat(domain, name->local, OPEN_FLAGS);
	}
	if (fd == -1)
		return error_errno(err, "its directory");
	return fd;
}

int
mailbox_open(const struct configuration *conf, const struct conf_users *users,
	     const struct mailbox_name *name, uint32_t *uid, struct error *err)
{
	int mail = state_open(conf, users, STATE_MAIL, err), domain, fd;

	if (mail == -1)
		return -1;
	domain = open_domain(mail, name->domain, err);
	fd = domain == -1 ? -1 : open_or_make(conf, mail, domain, name, err);
	if (fd != -1 && check_mailbox(conf, fd, geteuid() == 0, uid, err) == -1) {
		close(fd);
		fd = -1;
	}
	if (domain != -1)
		close(domain);
	close(mail);
	return fd;
}
