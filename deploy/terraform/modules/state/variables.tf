variable "name" { type = string }
variable "capacity" { type = object({ read = number, write = number }) }
variable "point_in_time_recovery" { type = bool }
variable "deletion_protection" { type = bool }
variable "kms_key_arn" { type = string }
variable "tags" { type = map(string) }
