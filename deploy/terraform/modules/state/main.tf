# Tables of Orleans' providers for DynamoDB: names of keys and indexes are theirs. A test holds them against what the silos make themselves.

locals {
  on_demand = var.capacity == null

  # Silos that ran yesterday are of no use, so their table needs no point in time to go back to.
  tables = {
    members = { hash = "DeploymentId", range = "SiloIdentity", number = false, recovery = false, indexes = {} }
    state   = { hash = "GrainReference", range = "GrainType", number = false, recovery = var.point_in_time_recovery, indexes = {} }
    reminders = {
      hash    = "ReminderId", range = "GrainHash", number = true, recovery = var.point_in_time_recovery
      indexes = { ServiceIdIndex = "GrainHash", ServiceIdGrainReferenceIndex = "GrainReference" }
    }
  }
}

resource "aws_dynamodb_table" "this" {
  for_each                    = local.tables
  name                        = "${var.name}-${each.key}"
  billing_mode                = local.on_demand ? "PAY_PER_REQUEST" : "PROVISIONED"
  hash_key                    = each.value.hash
  range_key                   = each.value.range
  read_capacity               = one(var.capacity[*].read)
  write_capacity              = one(var.capacity[*].write)
  deletion_protection_enabled = var.deletion_protection
  tags                        = var.tags

  dynamic "attribute" {
    for_each = toset(concat([each.value.hash, each.value.range], length(each.value.indexes) > 0 ? ["ServiceId"] : [], values(each.value.indexes)))
    content {
      name = attribute.value
      type = each.value.number && attribute.value == each.value.range ? "N" : "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.indexes
    content {
      name            = global_secondary_index.key
      hash_key        = "ServiceId"
      range_key       = global_secondary_index.value
      projection_type = "ALL"
      read_capacity   = one(var.capacity[*].read)
      write_capacity  = one(var.capacity[*].write)
    }
  }

  point_in_time_recovery {
    enabled = each.value.recovery
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }
}

output "names" {
  value = { for key, table in aws_dynamodb_table.this : key => table.name }
}

output "arns" {
  value = { for key, table in aws_dynamodb_table.this : key => table.arn }
}
