/* test_density.c - the losses of numbers and their gradients, for ordinary and extreme arguments, against values worked out apart
 * from the densities with 60 digits. The arguments are parameters a, b, c of the net, so that gradients come out by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "graph/graph.h"
#include "plan/plan.h"
#include "verify/reference.h"
#include "run/run.h"

static const struct density {
  const char *line;
  int n_y;
  float y[3];
  int n_arguments;
  float arguments[13];
  double loss;
  double error; /* of the gradient; below 0: of each entry by its own size; 0: it need only be finite, as float keeps no digits */
  double gradient[13];
} densities[] = {
    {"y ~ student_t(a, b, c)",
     1,
     {0.300000012f},
     3,
     {0.100000001f, 0.699999988f, 3.5f},
     0.6846741340614956,
     3e-6,
     {-0.5128205554154761, 1.282051284072874, -0.022803990587664157}},
    {"y ~ student_t(a, b, c)",
     1,
     {0.100000001f},
     3,
     {0.100000001f, 0.699999988f, 3.5f},
     0.6327986302908709,
     3e-6,
     {0.0, 1.4285714528998554, -0.019679863681293857}},
    {"y ~ student_t(a, b, c)",
     1,
     {-2.0f},
     3,
     {0.5f, 2.0f, 0.00999999978f},
     6.2499777546753155,
     3e-6,
     {0.40143084257553474, -0.0017885532194184413, -96.96492737495463}},
    {"y ~ student_t(a, b, c)",
     1,
     {2.0f},
     3,
     {0.5f, 0.800000012f, 10000.0f},
     2.453499276698093,
     3e-6,
     {-2.3431605377918063, -3.1434259615189397, 1.0812620982554531e-08}},
    {"y ~ student_t(a, b, c)",
     1,
     {1.00000002e+20f},
     3,
     {0.0f, 1.00000001e-10f, 2.5f},
     218.1587146838795,
     3e-6,
     {-3.499999929856931e-20, -24999999666.214207, 67.88194443711218}},
    {"y ~ student_t(a, b, c)",
     1,
     {4.0f},
     3,
     {4.0f, 1.0e-30f, 1.0f},
     -67.9328229008009,
     3e-6,
     {0.0, 9.999999968289232e+29, -0.19314718055994531}},
    {"y ~ gumbel(a, b)",
     1,
     {0.300000012f},
     2,
     {0.100000001f, 0.699999988f},
     0.68051662273345106,
     3e-6,
     {-0.35503246573052464, 1.3271335985304046}},
    {"y ~ gumbel(a, b)", 1, {-2.0f}, 2, {0.5f, 0.800000012f}, 19.411750543839643, 3e-6, {27.1998671367986, -83.74958355452958}},
    {"y ~ gumbel(a, b)",
     1,
     {1000.0f},
     2,
     {0.5f, 0.00999999978f},
     99945.397063848302,
     3e-6,
     {-100.00000223517423, -9994900.4468090982}},
    {"y ~ gumbel(a, b)",
     1,
     {0.0f},
     2,
     {1000.0f, 10.0f},
     1.1635307007226371e+36,
     3e-6,
     {5.5406223843935101e+33, -5.5406223843935101e+35}},
    {"y ~ logistic(a, b)",
     1,
     {0.300000012f},
     2,
     {0.100000001f, 0.699999988f},
     1.0499585261465376,
     3e-6,
     {-0.2027045798111331, 1.3706558546612727}},
    {"y ~ logistic(a, b)",
     1,
     {-2.0f},
     2,
     {0.5f, 0.800000012f},
     2.9878545793987241,
     3e-6,
     {1.1447806584589508, -2.3274395230026696}},
    {"y ~ logistic(a, b)",
     1,
     {1000.0f},
     2,
     {0.5f, 0.00999999978f},
     99945.397063848302,
     3e-6,
     {-100.00000223517423, -9994900.4468090982}},
    {"y ~ logistic(a, b)", 1, {0.0f}, 2, {1000.0f, 10.0f}, 102.30258509299405, 3e-6, {0.1, -9.9}},
    {"y ~ logistic(a, b)", 1, {0.25f}, 2, {0.25f, 3.0f}, 2.4849066497880003, 3e-6, {0.0, 0.33333333333333333}},
    {"y ~ negative_binomial(a, b)",
     1,
     {3.0f},
     2,
     {2.5f, 0.400000006f},
     1.9309378694381927,
     3e-6,
     {-0.09999999925494195, 0.7174332912568921}},
    {"y ~ negative_binomial(a, b)",
     1,
     {0.0f},
     2,
     {2.5f, 0.400000006f},
     1.7328679442045702,
     3e-6,
     {0.4999999962747097, -1.2071698658062568}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000.0f},
     2,
     {900.0f, 0.00999999978f},
     6.091922588780612,
     3e-4,
     {-0.011111111334628533, -1.3610136770611534}},
    {"y ~ negative_binomial(a, b)",
     1,
     {5.0f},
     2,
     {9.99999968e-21f, 0.5f},
     231.93248589164864,
     3e-6,
     {-5.000000158672392e+20, -4.2}},
    {"y ~ negative_binomial(a, b)", 1, {0.0f}, 2, {1.00000002e-25f, 1.00000002e-25f}, 1.000000019549017e-25, 0, {0}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000000.0f},
     2,
     {2000000.0f, 1.5f},
     15.184402636668285,
     3e-6,
     {1.6666661111112962e-07, 0.31983190834901526}},
    {"y ~ negative_binomial(a, b)",
     1,
     {2.0f},
     2,
     {3.0f, 1000000.0f},
     14.508672319314455,
     3e-6,
     {1.1111107407408642e-07, 9.999864192090424e-07}},
    {"y ~ negative_binomial(a, b)",
     1,
     {0.0f},
     2,
     {1.00000002e+30f, 2.0f},
     34.88534999271439,
     3e-6,
     {4.99999992476267e-31, -17.192674996357194}},
    /* where the density nearly does not depend on the last argument */
    {"y ~ negative_binomial(a, b)",
     1,
     {5.0f},
     2,
     {3.0f, 9.99999994e-9f},
     2.2944303044414977,
     -1e-5,
     {-0.66666664666666739, 0.50000002999999724}},
    {"y ~ negative_binomial(a, b)",
     1,
     {3.0f},
     2,
     {2.5f, 9.99999997e-7f},
     1.5428886486039197,
     -1e-5,
     {-0.19999950000125126, 1.3749966666752532}},
    {"y ~ negative_binomial(a, b)",
     1,
     {3.0f},
     2,
     {2.5f, 9.99999996e-13f},
     1.5428872736069648,
     -1e-5,
     {-0.1999999999995, 1.3749999999966667}},
    {"y ~ negative_binomial(a, b)", 1, {0.0f}, 2, {2.5f, 1.0e-30f}, 2.5, -1e-5, {1.0, -3.125}},
    {"y ~ negative_binomial(a, b)",
     1,
     {5.0f},
     2,
     {3.0f, 9.99999975e-5f},
     2.2944803144316539,
     -1e-5,
     {-0.66646672665372146, 0.50029974263576514}},
    {"y ~ negative_binomial(a, b)",
     1,
     {5.0f},
     2,
     {3.0f, 0.00100000005f},
     2.2949317909177662,
     -1e-5,
     {-0.66467264862607766, 0.50297439285067266}},
    {"y ~ negative_binomial(a, b)",
     1,
     {5.0f},
     2,
     {3.0f, 0.0155999996f},
     2.3025647556160314,
     -1e-5,
     {-0.6368615470722322, 0.54103957194891966}},
    {"y ~ negative_binomial(a, b)",
     1,
     {5.0f},
     2,
     {3.0f, 0.0160000008f},
     2.3027813549917989,
     -1e-4,
     {-0.63613231413775078, 0.54195304332376528}},
    {"y ~ negative_binomial(a, b)",
     1,
     {200.0f},
     2,
     {210.0f, 0.00100000005f},
     3.8602190961588136,
     -1e-5,
     {0.039354584484716283, 49.018791414148191}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000.0f},
     2,
     {900.0f, 0.00999999978f},
     6.0919225887806118,
     -1e-5,
     {-0.011111111334628534, -1.3610136770611533}},
    {"y ~ negative_binomial(a, b)",
     1,
     {0.0f},
     2,
     {1.0e+9f, 0.00999999978f},
     1611.8096088874097,
     -1e-5,
     {9.9999992235174782e-8, -151180.96504438139}},
    {"y ~ negative_binomial(a, b)",
     1,
     {70.0f},
     2,
     {0.00100000005f, 0.00100000005f},
     711.62206056853806,
     -1e-5,
     {-69998.926676245241, -2308.5606948037908}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1.0f},
     2,
     {1000.0f, 9.99999975e-6f},
     988.13528049307442,
     -1e-5,
     {0.98910891113848508, -492417.44273635459}},
    {"y ~ student_t(a, b, c)",
     1,
     {2.0f},
     3,
     {0.5f, 0.800000012f, 9.99999996e+11f},
     2.4536074444036483,
     -1e-5,
     {-2.3437499301449125, -3.1445310721645465, 1.0820921622266683e-24}},
    {"y ~ student_t(a, b, c)",
     1,
     {2.0f},
     3,
     {0.5f, 0.800000012f, 10000.0f},
     2.453499276698093,
     -1e-5,
     {-2.3431605377918063, -3.1434259615189398, 1.0812620982554532e-8}},
    {"y ~ student_t(a, b, c)",
     1,
     {2.0f},
     3,
     {0.5f, 0.800000012f, 1020.0f},
     2.4525505493973567,
     -1e-3,
     {-2.3379893970147602, -3.1337300727064585, 1.032280881937836e-6}},
    {"y ~ student_t(a, b, c)",
     1,
     {2.0f},
     3,
     {0.5f, 0.800000012f, 1030.0f},
     2.4525607723577637,
     -1e-5,
     {-2.3380451342769485, -3.1338345800715042, 1.0124077785167062e-6}},
    {"y ~ student_t(a, b, c)",
     1,
     {100000000.0f},
     3,
     {0.0f, 0.00999999978f, 100000.0f},
     1726952.4051397532,
     -1e-5,
     {-0.001000009999999999, -10000000.223517413, 16.769383219782086}},
    {"y ~ student_t(a, b, c)",
     1,
     {0.5f},
     3,
     {0.5f, 0.800000012f, 1000000.0f},
     0.69579524679162407,
     -1e-5,
     {0.0, 1.2499999813735488, -2.49999999999875e-13}},
    {"y ~ student_t(a, b, c)",
     1,
     {30.0f},
     3,
     {0.5f, 0.800000012f, 2000.0f},
     519.67930646533355,
     -1e-5,
     {-27.45238877003812, -1011.056820829235, 0.056900582549136161}},
    {"y ~ gaussian(a, b)",
     1,
     {0.300000012f},
     2,
     {0.100000001f, 0.699999988f},
     0.6030799044143247,
     3e-6,
     {-0.40816330049545463, 1.3119533589759098}},
    {"y ~ gaussian(a, b)",
     1,
     {0.100000001f},
     2,
     {0.100000001f, 9.99999968e-21f},
     -45.13276335841072,
     3e-6,
     {0.0, 1.0000000317344784e+20}},
    {"y ~ gaussian(a, b)",
     2,
     {0.300000012f, 0.899999976f},
     4,
     {0.100000001f, 0.5f, 0.699999988f, 1.20000005f},
     1.7598955786670405,
     3e-6,
     {-0.40816330049545463, -0.27777773914514028, 1.3119533589759098, 0.74074072970284235}},
    {"y ~ laplace(a, b)",
     1,
     {0.300000012f},
     2,
     {0.899999976f, 0.699999988f},
     1.193615040241531,
     3e-6,
     {1.4285714528998554, 0.20408168826089493}},
    {"y ~ bernoulli(a)", 1, {1.0f}, 1, {0.400000006f}, 0.5130152500079447, 3e-6, {-0.40131233845548236}},
    {"y ~ bernoulli(a)", 2, {0.0f, 1.0f}, 2, {-200.0f, 300.0f}, 1.3838965267367376e-87, 3e-6, {1.3838965267367376e-87, 0.0}},
    {"y ~ bernoulli(a)", 2, {1.0f, 0.0f}, 2, {-200.0f, 300.0f}, 500.0, 3e-6, {-1.0, 1.0}},
    {"y ~ quantile(0.1, 0.5, 0.9, a)",
     1,
     {0.300000012f},
     3,
     {0.100000001f, 0.5f, 0.400000006f},
     0.12999999448657035,
     3e-6,
     {-0.1, 0.5, 0.1}},
    {"y ~ quantile(0.1, 0.5, 0.9, a)",
     2,
     {0.300000012f, -1.0f},
     6,
     {0.100000001f, -2.0f, 0.5f, 0.0f, 1.00000002e+30f, 4.0f},
     1.0000000150474662e+29,
     3e-6,
     {-0.09999999999564585, -0.0999999999998685, 0.5000000000011914, 0.4999999999999588, 0.1, 0.0999999999998685}},
    {"y ~ mixture(2, a)",
     1,
     {0.300000012f},
     6,
     {0.200000003f, -0.400000006f, 0.0f, 1.0f, -0.5f, 0.300000012f},
     0.7607208354218029,
     3e-6,
     {-0.15844634713292624, 0.15844634713292624, -0.6557333169767806, 0.07525751645995576, 0.6073826524942277,
      0.14321708397095828}},
    {"y ~ mixture(2, a)",
     2,
     {0.300000012f, -0.800000012f},
     10,
     {0.200000003f, -0.400000006f, 0.0f, 1.0f, 0.5f, -1.0f, -0.5f, 0.300000012f, 0.100000001f, 0.200000003f},
     2.3287460181742103,
     3e-6,
     {-0.051483581257921025, 0.051483581257921025, -0.5685068306707878, 0.1163492021591691, 0.7420008313742056,
      -0.040602637976511605, 0.5265878335508412, 0.22141567034636522, -0.26746120010259944, 0.29473958335951184}},
    {"y ~ mixture(2, a)",
     1,
     {0.5f},
     6,
     {300.0f, -300.0f, 0.5f, 1.0f, -60.0f, 90.0f},
     -39.081061466795326,
     3e-6,
     {0.0, 0.0, 0.0, 0.0, 0.0, 0.0}},
    {"y ~ mixture(2, a)",
     1,
     {0.0f},
     6,
     {0.0f, 0.0f, 30.0f, -30.0f, -2.0f, -2.0f},
     24568.08645344811,
     3e-6,
     {0.0, 0.0, 818.9722504971636, -818.9722504971636, -24568.66751491491, -24568.66751491491}},
    {"y ~ mixture(2, a)",
     3,
     {0.300000012f, -0.800000012f, 1.0f},
     13,
     {0.200000003f, -0.400000006f, 0.0f, 1.0f, 0.5f, -1.0f, -0.5f, 0.300000012f, 0.100000001f, 0.200000003f, 0.600000024f,
      -1.20000005f, -0.699999988f},
     3.5634166187325564,
     3e-6,
     {0.2088468411977099, -0.2088468411977099, -1.139953411000631, 0.5226079219607623, 0.8009069472424427, 0.4059912260046362,
      0.09482343018408312, 0.1973649937838622, -0.6043695738891542, 0.6443887732875586, 0.7623807280465957, 0.28004844873040474,
      -0.6681877695251427}},
    {"y ~ mixture(2, a)",
     3,
     {0.5f, 0.25f, 0.0f},
     13,
     {0.0f, 1.0f, 0.5f, -1.0f, 0.25f, 2.0f, 0.0f, 0.0f, 0.0f, 0.0f, 30.0f, -30.0f, 5.0f},
     -1.148998719084522,
     3e-6,
     {-0.7310585786300049, 0.7310585786300049, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.9933071490757152}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000000.0f},
     2,
     {1000000.0f, 9.99999997e-07f},
     8.173267526835593,
     -1e-5,
     {0, 250000.0628155946}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000000.0f},
     2,
     {999000.0f, 9.99999997e-07f},
     8.4235177460890593,
     -1e-5,
     {-0.00050075087657029075, 124916.68226654839}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000000.0f},
     2,
     {1000000.0f, 0.00100000005f},
     11.281154558987184,
     -1e-5,
     {0, 499.58380904103439}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000000.0f},
     2,
     {900000.0f, 0.0199999996f},
     13.067643568888773,
     -1e-5,
     {-6.1724967276540232e-06, 10.707134431444668}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000000.0f},
     2,
     {1200000.0f, 0.0599999987f},
     13.59366243870128,
     -1e-5,
     {2.3147827167942851e-06, 4.0680458302283844}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000000.0f},
     2,
     {1000000.0f, 0.0700000003f},
     13.410658599547977,
     -1e-5,
     {0, 7.2260476678633871}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000000.0f},
     2,
     {1000000.0f, 0.119999997f},
     13.684316697859419,
     -1e-5,
     {0, 4.2498461819262578}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1000000.0f},
     2,
     {990000.0f, 0.129999995f},
     13.725559562866851,
     -2e-5,
     {-7.8484320024786738e-08, 3.9263195855501021}},
    {"y ~ negative_binomial(a, b)", 1, {1000000.0f}, 2, {1000000.0f, 1.0f}, 14.815511057964107, -1e-5, {0, 0.57721516490194957}},
    {"y ~ negative_binomial(a, b)",
     1,
     {1e+09f},
     2,
     {1.01e+09f, 9.99999996e-13f},
     49630.478186033586,
     -1e-5,
     {0.0098910001888590712, -49898985636961.211}},
    {"y ~ negative_binomial(a, b)", 1, {1e+09f}, 2, {1e+09f, 0.5f}, 21.33697147682652, -1e-5, {0, 1.0814513798459127}},
    {"y ~ negative_binomial(a, b)",
     1,
     {16.0f},
     2,
     {15.0f, 9.99999994e-09f},
     2.343056963445306,
     -1e-5,
     {-0.066666656666668225, 7.4999989000001701}},
    {"y ~ negative_binomial(a, b)",
     1,
     {15.0f},
     2,
     {16.0f, 0.00100000005f},
     2.3173938008236683,
     -1e-5,
     {0.061515747985482816, 6.9069133754536347}},
    {"y ~ negative_binomial(a, b)",
     1,
     {17.0f},
     2,
     {0.00100000005f, 0.00100000005f},
     150.80267127349461,
     -1e-5,
     {-16998.982193559557, -134.50525590004554}},
    {"y ~ negative_binomial(a, b)",
     1,
     {16.0f},
     2,
     {100000000.0f, 9.99999975e-05f},
     91987.701763787991,
     -1e-5,
     {9.9989987527206826e-05, -820894210.52568769}},
    {"y ~ negative_binomial(a, b)", 1, {10000000.0f}, 2, {10000000.0f, 1e-30f}, 8.9779863670171665, -1e-5, {0, 5000000}},
    {"y ~ mixture(2, a)",
     1,
     {0.300000012f},
     6,
     {1000000.0f, 1000000.0f, 0.0f, 1.0f, -0.5f, 0.300000012f},
     0.86705453131019594,
     3e-6,
     {-0.19256452078201972, 0.19256452078201972, -0.56477568800533196, 0.11810691301284248, 0.52313180764776923,
      0.22476064151693467}},
    {"y ~ mixture(2, a)",
     1,
     {0.300000012f},
     6,
     {-1000000.0f, -999999.0f, 0.0f, 1.0f, -0.5f, 0.300000012f},
     1.0630386831850858,
     3e-6,
     {-0.1842302637093097, 0.1842302637093097, -0.36955452170174852, 0.21007401093582237, 0.34230532416334708,
      0.39977650976989687}},
    {"y ~ mixture(2, a)",
     1,
     {0.5f},
     6,
     {100000000.0f, 100000000.0f, 0.25f, 1.0f, 0.0f, 0.0f},
     0.99596530248794113,
     3e-6,
     {-0.02342034893632404, 0.02342034893632404, -0.13085508723408101, 0.23828982553183797, 0.4907065771278038,
      0.35743473829775696}},
    {"y ~ mixture(2, a)",
     1,
     {0.300000012f},
     6,
     {3.00000001e+38f, -3.00000001e+38f, 0.0f, 1.0f, -0.5f, 0.300000012f},
     0.54126122520666331,
     3e-6,
     {0, 0, -0.81548458094215814, 0, 0.75535461599601883, 0}},
    {"y ~ mixture(2, a)",
     1,
     {0.300000012f},
     6,
     {1000000.0f, 999980.0f, 0.0f, 1.0f, -0.5f, 0.300000012f},
     0.54126122635285279,
     3e-6,
     {-1.1461894061035564e-09, 1.1461894061035564e-09, -0.81548458019601888, 3.5150008997550187e-10, 0.75535461530489634,
      6.6891415329400349e-10}},
    {"y ~ bernoulli(a)", 1, {1.0f}, 1, {16.0f}, 1.1253516838717681e-07, -1e-5, {-1.1253516205509499e-07}},
    {"y ~ bernoulli(a)", 1, {1.0f}, 1, {100.0f}, 3.7200759760208361e-44, 3e-6, {-3.7200759760208361e-44}},
    {"y ~ bernoulli(a)", 1, {1.0f}, 1, {1000000.0f}, 0, -1e-5, {0}},
    {"y ~ bernoulli(a)", 1, {0.0f}, 1, {-20.0f}, 2.0611536203143808e-09, -1e-5, {2.0611536181902037e-09}},
    {"y ~ bernoulli(a)", 1, {0.0f}, 1, {1000000.0f}, 1000000, -1e-5, {1}},
};

static void near(const char *what, size_t row, double got, double want, double error, double size) {
  if (!(fabs(got - want) <= error * size))
    fail_msg("row %zu (%s), %s: %.10g instead of %.10g", row, densities[row].line, what, got, want);
}

static void check_gradient(size_t row, const graph *g, const float *all) {
  const struct density *d = &densities[row];
  double largest = 1e-30;
  int at = 0;
  for (int i = 0; i < d->n_arguments; i++) largest = fmax(largest, fabs(d->gradient[i]));
  for (int p = 0; p < g->n_params; p++)
    for (int i = 0; i < g->params[p].rows; i++, at++) {
      const double got = (double)all[g->params[p].offset + i];
      if (!isfinite(got)) fail_msg("row %zu (%s): the gradient of %s is not finite", row, d->line, g->params[p].name);
      /* of each argument by its own size where it is larger than 1: those of a scale dwarf the others */
      const double size = fmax(fabs(d->gradient[at]), fmin(1, largest));
      if (d->error < 0) near(g->params[p].name, row, got, d->gradient[at], -d->error, fabs(d->gradient[at]));
      if (d->error > 0) near(g->params[p].name, row, got, d->gradient[at], d->error, size);
    }
}

static void check(size_t row) {
  const struct density *d = &densities[row];
  unroll_error err = {0};
  arena memory = {0};
  program *net;
  graph g;
  plan *p;
  run *r = NULL;
  reference ref = {0};
  text t = {0};
  double exact[13];
  text_format(&t, "data y : numbers(%d)\nparam a, b, c\n%s\n", d->n_y, d->line);
  graph_init(&g);
  if (lang_parse(&net, "t.net", t.data, &memory, &err) || graph_build(&g, net, &(build_options){0}, &err) ||
      graph_differentiate(&g, &err) || plan_new(&p, &g, &(plan_options){.max_rows = 1, .max_steps = 1, .gradient = 1}, &err) ||
      run_new(&r, p, d->arguments, NULL, &err))
    fail_msg("row %zu: %s", row, err.message);
  assert_int_equal(g.n_weights, d->n_arguments);
  static const int active[] = {1};
  static const int64_t first[] = {0, 1};
  const batch_axis axis = {.steps = 1, .active = active, .first = first};
  const float *const number[] = {d->y};
  const int32_t *const index[] = {NULL};
  const batch b = {.rows = 1, .axes = &axis, .index = index, .number = number, .loss_scale = 1};
  run_pass(r, &b, 1);
  near("plan", row, run_loss(r, 0), d->loss, 4e-6, 1 + fabs(d->loss));
  check_gradient(row, &g, run_gradient(r));
  for (int i = 0; i < d->n_arguments; i++) exact[i] = (double)d->arguments[i];
  assert_int_equal(reference_pass(&ref, &g, exact, &b, NULL, 1, &err), UNROLL_OK);
  near("reference", row, reference_loss(&ref, 0), d->loss, 1e-12, 1 + fabs(d->loss));
  for (int i = 0; d->error != 0 && i < d->n_arguments; i++)
    near("reference's gradient", row, ref.gradient[i], d->gradient[i], 1e-7, 1 + fabs(d->gradient[i]));
  reference_free(&ref);
  run_free(r);
  plan_free(p);
  graph_free(&g);
  arena_free(&memory);
  text_free(&t);
}

static void every_density(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof densities / sizeof *densities; i++) check(i);
  assert_int_equal(mem_live(), 0);
}

/* What training minimises, against numbers worked out by hand: three symbols with logits a, the second one true, classes that weigh
 * 2, 0.5 and 1, smoothing 0.3, a weight of 0.25. The loss itself stays as it is; a row without a symbol has no gradient. */
static void objectives(void **state) {
  (void)state;
  static const struct {
    const char *arguments;
    int classes;
    double gradient[3]; /* factor (softmax(a) - (1 - smoothing) onehot - smoothing / 3) */
  } rows[] = {
      {"a", 0, {0.2, -0.5, 0.3}},
      {"a, weight = 0.25", 0, {0.05, -0.125, 0.075}},
      {"a, weight = half * half", 0, {0.05, -0.125, 0.075}},
      {"a, smoothing = 0.3", 0, {0.1, -0.3, 0.2}},
      {"a", 1, {0.1, -0.25, 0.15}},
      {"a, smoothing = 0.3, weight = 0.25", 1, {0.0125, -0.0375, 0.025}},
  };
  static const float values[] = {2, 0.5f, 1}, logits[] = {-1.6094379f, -0.6931472f, -1.2039728f}; /* log of 0.2, 0.5, 0.3 */
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unroll_error err = {0};
    arena memory = {0};
    program *net;
    graph g;
    plan *p;
    run *r = NULL;
    text t = {0};
    text_format(&t, "data y : category(3)\nparam a\nhalf = 0.5\ny ~ softmax(%s)\n", rows[i].arguments);
    const class_weights weights = {"y", values};
    const build_options options = {.weights = &weights, .n_weights = rows[i].classes};
    graph_init(&g);
    if (lang_parse(&net, "t.net", t.data, &memory, &err) || graph_build(&g, net, &options, &err) || graph_differentiate(&g, &err) ||
        plan_new(&p, &g, &(plan_options){.max_rows = 2, .max_steps = 1, .gradient = 1}, &err) || run_new(&r, p, logits, NULL, &err))
      fail_msg("row %zu: %s", i, err.message);
    static const int active[] = {2};
    static const int64_t first[] = {0, 2};
    const batch_axis axis = {.steps = 1, .active = active, .first = first};
    static const int32_t symbols[] = {1, -1};
    const float *const number[] = {NULL};
    const int32_t *const index[] = {symbols};
    const batch b = {.rows = 2, .axes = &axis, .index = index, .number = number, .loss_scale = 1};
    run_pass(r, &b, 1);
    assert_true(fabs(run_loss(r, 0) - 0.69314718055994531) < 1e-6);
    for (int k = 0; k < 3; k++)
      if (!(fabs((double)run_gradient(r)[k] - rows[i].gradient[k]) < 1e-6))
        fail_msg("softmax(%s): gradient %d is %g", rows[i].arguments, k, (double)run_gradient(r)[k]);
    run_free(r);
    plan_free(p);
    graph_free(&g);
    arena_free(&memory);
    text_free(&t);
  }
  assert_int_equal(mem_live(), 0);
}

/* Logits of any size: the gradient keeps its digits, in the plan and in the reference. */
static void large_logits(void **state) {
  (void)state;
  static const struct {
    float logits[3];
    int32_t symbol;
    double loss, gradient[3];
  } rows[] = {
      {{1e6f, 1e6f, 1e6f}, 0, 1.0986122886681098, {-2.0 / 3, 1.0 / 3, 1.0 / 3}},
      {{-1e8f, 0, 1}, 0, 100000001.31326169, {-1, 0.26894142136999512, 0.73105857863000488}},
      {{1e8f, 0, 1}, 0, 0, {0, 0, 0}},
      {{-3e38f, 3e38f, 3e38f}, 1, 0.69314718055994531, {0, -0.5, 0.5}},
      {{-40, -41, -42}, 2, 2.4076059644443806, {0.66524095577482178, 0.24472847105479765, -0.90996942682961943}},
      {{33, 31, 32}, 1, 2.4076059644443806, {0.66524095577482178, -0.90996942682961943, 0.24472847105479765}},
      {{100, 84, 60}, 0, 1.1253517471925912e-7, {-1.1253516207787584e-7, 1.1253516207787584e-7, 4.2483542033774825e-18}},
      {{1, 2, 3}, 1, 1.4076059644443802, {0.090030573170380462, -0.75527152894520236, 0.66524095577482178}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unroll_error err = {0};
    arena memory = {0};
    program *net;
    graph g;
    plan *p;
    run *r = NULL;
    reference ref = {0};
    double exact[3];
    graph_init(&g);
    if (lang_parse(&net, "t.net", "data y : category(3)\nparam a\ny ~ softmax(a)\n", &memory, &err) ||
        graph_build(&g, net, &(build_options){0}, &err) || graph_differentiate(&g, &err) ||
        plan_new(&p, &g, &(plan_options){.max_rows = 1, .max_steps = 1, .gradient = 1}, &err) ||
        run_new(&r, p, rows[i].logits, NULL, &err))
      fail_msg("row %zu: %s", i, err.message);
    const float *const number[] = {NULL};
    const int32_t *const index[] = {&rows[i].symbol};
    const batch b = {.rows = 1, .index = index, .number = number, .loss_scale = 1};
    run_pass(r, &b, 1);
    for (int k = 0; k < 3; k++) exact[k] = (double)rows[i].logits[k];
    assert_int_equal(reference_pass(&ref, &g, exact, &b, NULL, 1, &err), UNROLL_OK);
    if (!(fabs(run_loss(r, 0) - rows[i].loss) <= 4e-6 * fmax(1, rows[i].loss)) ||
        !(fabs(reference_loss(&ref, 0) - rows[i].loss) <= 1e-12 * fmax(1, rows[i].loss)))
      fail_msg("row %zu: loss %.17g, in the reference %.17g", i, run_loss(r, 0), reference_loss(&ref, 0));
    for (int k = 0; k < 3; k++)
      if (!(fabs((double)run_gradient(r)[k] - rows[i].gradient[k]) <= 2e-6 * fabs(rows[i].gradient[k]) + 1e-12) ||
          !(fabs(ref.gradient[k] - rows[i].gradient[k]) <= 1e-12))
        fail_msg("row %zu: gradient %d is %.9g, in the reference %.17g, not %.17g", i, k, (double)run_gradient(r)[k],
                 ref.gradient[k], rows[i].gradient[k]);
    reference_free(&ref);
    run_free(r);
    plan_free(p);
    graph_free(&g);
    arena_free(&memory);
  }
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_density), cmocka_unit_test(objectives), cmocka_unit_test(large_logits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
