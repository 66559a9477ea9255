/* SPDX-License-Identifier: ISC */
/*
 * renew - imports certificates that another program (certbot, acme.sh, lego) renews in a folder:
 * certificates = ( { name = "NAME"; watch = "FOLDER"; } ) in postern.conf(5).
 *
 * The master only opens the files, and hands them to certd as posternctl would: no byte of them is
 * read here. What is no change is none there.
 */
#ifndef POSTERN_MASTER_RENEW_H
#define POSTERN_MASTER_RENEW_H

struct master;

/* Watches the folders of the configuration in force, and looks into each soon; any watches there
 * were are replaced. */
void renew_start(struct master *);
void renew_stop(struct master *);

#endif
