/* SPDX-License-Identifier: ISC */
#include "certd/import_commit.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "certd/file.h"
#include "certd/folder.h"
#include "certd/import_folder.h"
#include "certd/import_name.h"
#include "certd/import_plan.h"
#include "common/log.h"

static void
plan_free(struct import_plan *plan)
{
	x509_made_free(&plan->made);
	key_free(plan->key);
	EVP_PKEY_free(plan->pkey);
}

/*
 * -- Which key, which certificate, which NAME -----------------------------------
 */

static int
name_it(struct import_plan *plan, const char *found, struct error *err)
{
	const struct import_order *order = plan->order;
	const char *file = order->files[plan->choice.leaf->file];
	char text[256];

	if (order->name[0] != '\0')
		strlcpy(plan->name, order->name, sizeof(plan->name));
	else if (found[0] != '\0')
		strlcpy(plan->name, found, sizeof(plan->name));
	else if (strcmp(file, "-") != 0)
		return import_name_from_file(file, plan->name, err);
	else {
		import_common_name(plan->choice.leaf->x509, true, text, sizeof(text));
		return import_name_from_text(text, plan->name, err);
	}
	return 0;
}

/* A key, alone or with certificates. */
static int
choose_by_key(struct import_plan *plan, struct error *err)
{
	const struct import_order *order = plan->order;
	struct import_set *set = order->set;

	plan->pkey = EVP_PKEY_up_ref(set->keys[0]) == 1 ? set->keys[0] : NULL;
	if (set->certificate_count == 0 &&
	    import_find_certificate(order->target, plan->pkey, set, &plan->found, err) == -1)
		return -1;
	if (import_choose(set, plan->pkey, &plan->choice, err) == -1)
		return -1;
	return name_it(plan, plan->found.name, err);
}

static int
choose_by_certificate(struct import_plan *plan, struct error *err)
{
	const struct import_order *order = plan->order;

	if (import_choose(order->set, NULL, &plan->choice, err) == -1 ||
	    name_it(plan, "", err) == -1)
		return -1;
	plan->key_found = true;
	return import_find_key(order->target, X509_get0_pubkey(plan->choice.leaf->x509), plan->name,
			       &plan->found, &plan->pkey, err);
}

static int
choose(struct import_plan *plan, struct error *err)
{
	const struct import_set *set = plan->order->set;
	int result;

	if (set->key_count > 1)
		return error_set(err,
				 "%zu different keys: which one is it? Give only the one that "
				 "belongs to the certificate",
				 set->key_count);
	if (set->key_count == 0 && set->certificate_count == 0)
		return error_set(err, "no key and no certificate: %s",
				 plan->order->notes[0] != '\0' ? plan->order->notes
							       : "are these the right files?");
	result = set->key_count == 1 ? choose_by_key(plan, err) : choose_by_certificate(plan, err);
	if (result == -1)
		return -1;
	plan->key = key_new(plan->pkey, err);
	return plan->key == NULL ? -1 : 0;
}

/*
 * -- Is it good -----------------------------------------------------------------
 */

/* Beyond these no gate and no client takes it (pair.c, file.h). */
static int
check_size(const struct import_plan *plan, struct error *err)
{
	const struct import_choice *choice = &plan->choice;
	size_t size = (size_t)i2d_X509(choice->leaf->x509, NULL);

	for (size_t i = 0; i < choice->chain_count; i++)
		size += (size_t)i2d_X509(choice->chain[i], NULL);
	if (size > CERT_CHAIN_MAX)
		return error_set(err, "the certificate and its chain have more than %d bytes",
				 CERT_CHAIN_MAX);
	return 0;
}

static int
check(const struct import_plan *plan, struct error *err)
{
	const struct import_order *order = plan->order;
	bool force = (order->flags & IMPORT_FORCE) != 0;

	if (import_check_leaf(plan->choice.leaf->x509, force, err) == -1 ||
	    check_size(plan, err) == -1)
		return -1;
	if (key_is_weak(plan->key) && !force)
		return error_set(err,
				 "the key is too weak: RSA with %d bits: clients refuse it: make a "
				 "new one, or take it all the same with --force, for a listener "
				 "that says weak = true",
				 EVP_PKEY_get_bits(plan->pkey));
	return pair_check_match(plan->key, plan->name, plan->choice.leaf->x509, err);
}

/*
 * -- What is there already ------------------------------------------------------
 */

/* Does the vault have just this pair? */
static bool
is_same(const struct import_plan *plan, const struct pair *pair)
{
	const struct import_choice *choice = &plan->choice;
	const uint8_t *at = pair->chain, *end = pair->chain + pair->chain_length;
	bool same = EVP_PKEY_eq(key_pkey(pair->key), plan->pkey) == 1;

	for (size_t i = 0; same && i <= choice->chain_count; i++) {
		const X509 *x509 = i == 0 ? choice->leaf->x509 : choice->chain[i - 1];
		uint8_t *der = NULL;
		int length = i2d_X509(x509, &der);

		same = length > 0 && end - at >= length && memcmp(at, der, (size_t)length) == 0;
		at += same ? length : 0;
		OPENSSL_free(der);
	}
	ERR_clear_error();
	return same && at == end;
}

/* Is what is there under NAME of the same key? */
static bool
is_same_key(const struct import_plan *plan)
{
	const struct admin_target *target = plan->order->target;
	const struct vault_entry *entry = vault_find(target->vault, plan->name);
	struct contents request;
	struct error err;
	struct key *key;
	bool same;

	if (entry != NULL)
		return EVP_PKEY_eq(key_pkey(entry->pair->key), plan->pkey) == 1;
	/* A certificate whose key has come. */
	if (strcmp(plan->found.name, plan->name) == 0)
		return true;
	if (import_is_there(target, plan->name, ".key")) {
		key = pair_load_key(target->directory, plan->name, target->owner, &err);
		same = key != NULL && EVP_PKEY_eq(key_pkey(key), plan->pkey) == 1;
		key_free(key);
	} else {
		import_find_request(target, plan->name, plan->pkey, &request);
		same = request.length > 0;
		contents_free(&request);
	}
	ERR_clear_error();
	return same;
}

/* What is in force may be better than its files, which are then to be written again. */
static bool
is_same_there(const struct import_plan *plan)
{
	const struct admin_target *target = plan->order->target;
	struct error ignored;
	struct pair *pair = pair_load(target->directory, plan->name, target->owner, &ignored);
	bool same = pair != NULL && is_same(plan, pair);

	pair_free(pair);
	return same;
}

static int
compare(struct import_plan *plan, struct error *err)
{
	const struct import_order *order = plan->order;
	const struct admin_target *target = order->target;
	const struct vault_entry *entry = vault_find(target->vault, plan->name);
	char alike[CERT_NAME_SIZE];
	int there;

	if (file_check_folder(target->directory, target->owner, err) == -1 ||
	    (there = folder_exists(target->directory, plan->name, err)) == -1)
		return -1;
	plan->replaces = there == 1;
	if (there == 0 && import_find_alike(target, plan->name, alike))
		return error_set(err,
				 "%s: there is %s already, which differs only in capital letters: "
				 "choose another name with --name",
				 plan->name, alike);
	if (entry == NULL && vault_count(target->vault) >= VAULT_MAX)
		return error_set(err, "more than %d certificates: remove some", VAULT_MAX);
	if (there == 0)
		return 0;
	plan->same = entry != NULL && is_same(plan, entry->pair) && is_same_there(plan);
	if (plan->same || (order->flags & IMPORT_REPLACE) != 0 || is_same_key(plan))
		return 0;
	return error_set(
	    err,
	    "%s: there is a certificate (or key) of that name already, of another key: "
	    "choose another name with --name, or put this one in its place with "
	    "--replace, which keeps the old one aside",
	    plan->name);
}

/*
 * -- Into the folder ------------------------------------------------------------
 */

/* The request of the key, from under the old name or the new one. */
static int
keep_request(struct import_plan *plan)
{
	const struct admin_target *target = plan->order->target;
	struct contents request = {NULL, 0};
	BIO *bio;
	int done = 1;

	import_find_request(target, plan->name, plan->pkey, &request);
	if (request.length == 0 && plan->found.name[0] != '\0')
		import_find_request(target, plan->found.name, plan->pkey, &request);
	if (request.length > 0) {
		bio = BIO_new_mem_buf(request.bytes, (int)request.length);
		done = bio != NULL && x509_keep(&plan->made.set, PART_CSR, bio);
		BIO_free(bio);
	}
	contents_free(&request);
	return done;
}

static int
write_pem(struct import_plan *plan, struct error *err)
{
	const struct import_choice *choice = &plan->choice;
	struct folder_set *set = &plan->made.set;
	BIO *key = BIO_new(BIO_s_secmem()), *crt = BIO_new(BIO_s_mem());
	int done;

	done = key != NULL && crt != NULL &&
	       PEM_write_bio_PrivateKey(key, plan->pkey, NULL, NULL, 0, NULL, NULL) &&
	       x509_keep(set, PART_KEY, key) && PEM_write_bio_X509(crt, choice->leaf->x509);
	for (size_t i = 0; done && i < choice->chain_count; i++)
		done = PEM_write_bio_X509(crt, choice->chain[i]);
	done = done && x509_keep(set, PART_CRT, crt) && keep_request(plan) &&
	       x509_describe(&plan->made, choice->leaf->x509);
	BIO_free(key);
	BIO_free(crt);
	if (!done)
		return key_library_error(err, "writing the certificate");
	/* What can't be read again is not written. */
	if (set->part[PART_KEY].length > FILE_MAX || set->part[PART_CRT].length > FILE_MAX)
		return error_set(err,
				 "the certificate and its chain make a file of more than %d bytes",
				 FILE_MAX);
	return 0;
}

static int
put(struct import_plan *plan, struct error *err)
{
	const struct admin_target *target = plan->order->target;
	const struct folder_set *set = &plan->made.set;
	int result;

	if (plan->replaces)
		result = folder_replace(target->directory, plan->name, set, plan->kept, err);
	else
		result = folder_commit(target->directory, plan->name, set, err);
	if (result == -1)
		return -1;
	return vault_load_one(target->vault, plan->name, target->changed, target->changed_arg, err);
}

/* The lone key (certificate) that this pair was made with goes; both halves are elsewhere now. */
static void
remove_alone(const struct import_plan *plan)
{
	const struct admin_target *target = plan->order->target;
	struct error err;

	if (!plan->found.alone || plan->found.name[0] == '\0' ||
	    strcmp(plan->found.name, plan->name) == 0)
		return;
	if (folder_remove(target->directory, plan->found.name, &err) == -1)
		log_event(LOG_ERR, "folder.failed", KV_STR("key", plan->found.name),
			  KV_STR("why", err.text));
	else
		/* It was not in force: that it waited is over. */
		vault_remove(target->vault, plan->found.name, target->changed, target->changed_arg);
}

static int
carry_out(struct import_plan *plan, struct error *err)
{
	if (choose(plan, err) == -1 || check(plan, err) == -1 || compare(plan, err) == -1 ||
	    write_pem(plan, err) == -1)
		return -1;
	if (plan->same)
		return 0;
	if (put(plan, err) == -1)
		return -1;
	remove_alone(plan);
	log_event(LOG_NOTICE, "cert.imported", KV_STR("key", plan->name),
		  KV_U64("chain", plan->choice.chain_count + 1), KV_STR("until", plan->made.until),
		  KV_STR("sha256", plan->made.fingerprint), KV_STR("kept", plan->kept));
	return 0;
}

int
import_commit(const struct import_order *order, struct import_answer *answer, struct error *err)
{
	struct import_plan plan = {.order = order};
	int result = carry_out(&plan, err);

	if (result == 0)
		import_answer_text(&plan, answer);
	plan_free(&plan);
	return result;
}
