# One cluster of silos: who they may talk to, where they run, what is watched. It makes neither bucket, Kafka nor network.

data "aws_region" "current" {}

locals {
  ports = { silo = 11111, gateway = 30000, http = 8080 }

  # A deployment starts new silos before it ends old ones. ECS rounds down, and half of one silo more would be none.
  deployment_percent = var.silos.min == 1 ? 200 : 150

  # In a list of one or none, since the two have not the same type.
  cluster_tables = concat([for tables in module.state[*].names : {
    dynamodb = {
      region         = data.aws_region.current.name
      membersTable   = tables.members
      stateTable     = tables.state
      remindersTable = tables.reminders
      createTables   = false
    }
  }], [{}])[0]

  # What only this module can know goes over what it was given.
  config = merge(var.config, {
    orleans = merge({ clustering = var.clustering, serviceId = var.name }, try(var.config.orleans, {}), local.cluster_tables, {
      clusterId   = var.name # alarms and scaling ask for its metrics
      address     = "ecs"
      siloPort    = local.ports.silo
      gatewayPort = local.ports.gateway
    })
    http    = { url = "http://0.0.0.0:${local.ports.http}" }
    logs    = merge(try(var.config.logs, {}), { format = "json" })
    metrics = { cloudWatch = true, namespace = "OrleansLake", interval = "1m" }
  })
}

resource "aws_cloudwatch_log_group" "silo" {
  name              = "/orleanslake/${var.name}"
  retention_in_days = var.log_days
  tags              = var.tags
}

resource "aws_ecs_cluster" "this" {
  name = var.name
  tags = var.tags

  # Scaling divides the lag by the number of running tasks, which is a metric of these.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

module "state" {
  count                  = var.clustering == "dynamodb" ? 1 : 0
  source                 = "./modules/state"
  name                   = var.name
  capacity               = var.dynamodb.capacity
  point_in_time_recovery = var.dynamodb.point_in_time_recovery
  deletion_protection    = var.dynamodb.deletion_protection
  kms_key_arn            = var.dynamodb.kms_key_arn
  tags                   = var.tags
}

module "access" {
  source               = "./modules/access"
  name                 = var.name
  warehouse            = var.warehouse
  glue_databases       = var.glue_databases
  secret_arns          = var.secret_arns
  injected_secret_arns = values(var.secrets)
  parameter_arns       = var.parameter_arns
  kms_key_arns         = concat(var.kms_key_arns, var.clustering == "dynamodb" && var.dynamodb.kms_key_arn != null ? [var.dynamodb.kms_key_arn] : [])
  cluster_tables       = one(module.state[*].arns)
  msk                  = var.msk
  log_group_arn        = aws_cloudwatch_log_group.silo.arn
  image_repository_arn = var.image_repository_arn
  tags                 = var.tags
}

module "capacity" {
  count         = var.launch_type == "EC2" ? 1 : 0
  source        = "./modules/capacity"
  name          = var.name
  cluster_name  = aws_ecs_cluster.this.name
  subnet_ids    = var.subnet_ids
  vpc_id        = var.vpc_id
  architecture  = var.architecture
  instance_type = var.instance_type
  ami_id        = var.ami_id
  max_instances = ceil(var.silos.max * local.deployment_percent / 100)
  tags          = var.tags
}

module "service" {
  source                    = "./modules/service"
  name                      = var.name
  region                    = data.aws_region.current.name
  cluster_arn               = aws_ecs_cluster.this.arn
  cluster_name              = aws_ecs_cluster.this.name
  image                     = var.image
  config_json               = jsonencode(local.config)
  secrets                   = var.secrets
  ports                     = local.ports
  vpc_id                    = var.vpc_id
  subnet_ids                = var.subnet_ids
  assign_public_ip          = var.assign_public_ip
  client_security_group_ids = var.client_security_group_ids
  kafka_ports               = var.kafka_ports
  kafka_cidr                = var.kafka_cidr
  launch_type               = var.launch_type
  capacity_provider         = one(module.capacity[*].capacity_provider)
  architecture              = var.architecture
  cpu                       = var.cpu
  memory                    = var.memory
  silos                     = var.silos
  deployment_percent        = local.deployment_percent
  lag_per_silo              = var.lag_per_silo
  task_role_arn             = module.access.task_role_arn
  execution_role_arn        = module.access.execution_role_arn
  log_group                 = aws_cloudwatch_log_group.silo.name
  tags                      = var.tags
}

module "alarms" {
  source            = "./modules/alarms"
  name              = var.name
  region            = data.aws_region.current.name
  cluster_name      = aws_ecs_cluster.this.name
  service_name      = module.service.service_name
  silos             = var.silos
  actions           = var.alarm_actions
  freshness_seconds = var.freshness_seconds
  lag_records       = var.lag_records
  tags              = var.tags
}
