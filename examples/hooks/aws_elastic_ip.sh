#!/bin/sh
# A hook for vipservice: give this instance an Elastic IP address of AWS when this node becomes active.
#
#   hooks:
#     - run: [/usr/local/lib/vipservice/aws_elastic_ip.sh, eipalloc-0123456789abcdef0, eu-central-1]
#       on: active
#
# It needs curl and the AWS command line, and an instance profile that allows ec2:AssociateAddress; no secret is
# kept on the host. Associating what is associated already changes nothing, so it may be run again at any time.
set -eu

allocation=$1 region=$2
[ "$VIPSERVICE_ROLE" = active ] || exit 0

metadata=${METADATA:-http://169.254.169.254/latest}
token=$(curl -fsS -m 3 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/api/token")
instance=$(curl -fsS -m 3 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/instance-id")

# The command line looks for its files below HOME, and hooks have none.
HOME=/nonexistent aws ec2 associate-address --region "$region" \
  --allocation-id "$allocation" --instance-id "$instance" --allow-reassociation
